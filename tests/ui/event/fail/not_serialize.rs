//! An event that can't be written.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
