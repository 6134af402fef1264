//! A key that is nearly one.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", verison = 2)]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
