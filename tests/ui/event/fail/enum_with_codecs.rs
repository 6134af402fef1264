//! The codecs of an enum are those of its events.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    order_id: u64,
}

#[derive(Event)]
#[event(codecs = ["json", "msgpack"])]
enum OrderEvent {
    Created(OrderCreated),
}

fn main() {}
