//! A list that is none.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", codecs = "msgpack")]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
