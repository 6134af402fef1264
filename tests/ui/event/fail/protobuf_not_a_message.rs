//! The codec of prost for a type of serde.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", codec = "protobuf")]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
