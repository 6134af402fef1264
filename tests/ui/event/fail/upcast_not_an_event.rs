//! An older version that is no event.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct OrderV1 {}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 2, upcast = OrderV1)]
struct Order {}

impl From<OrderV1> for Order {
    fn from(_: OrderV1) -> Self {
        Self {}
    }
}

fn main() {}
