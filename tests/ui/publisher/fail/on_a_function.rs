//! Not a struct.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
    customer: String,
}

#[publisher(event = OrderCreated)]
pub fn publish_order() {}

fn main() {}
