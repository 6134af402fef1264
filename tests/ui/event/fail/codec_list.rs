//! Several codecs under the key for one.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", codec = ["json", "msgpack"])]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
