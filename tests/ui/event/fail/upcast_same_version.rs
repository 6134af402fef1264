//! An older version that is not older.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 2)]
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
