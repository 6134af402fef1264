//! An event that can't be read.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
