//! One codec and several.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", codec = "json", codecs = ["json", "msgpack"])]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
