//! A key that is no field.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = order)]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
