//! A return value that says nothing.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

#[event_handler(composite = orders, order = 10)]
async fn reserve(order: OrderCreated) -> u64 {
    order.id
}

fn main() {}
