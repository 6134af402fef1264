//! Two variants that nothing tells apart.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    order_id: u64,
}

#[derive(Event)]
enum Orders {
    Created(OrderCreated),
    CreatedAgain(OrderCreated),
}

fn main() {}
