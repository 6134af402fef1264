//! MessagePack is written by serde.

#![allow(unused)]

use swit::prelude::*;

#[derive(Event)]
#[event(topic = "order.created", codec = "msgpack")]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
