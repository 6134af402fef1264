//! A codec that is listed twice.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", codecs = ["msgpack", "json", "msgpack"])]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
