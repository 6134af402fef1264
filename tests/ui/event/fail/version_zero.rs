//! A version that stands for none.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 0)]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
