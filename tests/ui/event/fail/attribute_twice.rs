//! Two attributes.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
#[event(version = 2)]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
