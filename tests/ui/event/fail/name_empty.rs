//! An event type without a name.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", name = "")]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
