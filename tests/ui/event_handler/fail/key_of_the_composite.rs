//! Keys that all handlers share are written once.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

#[event_handler(composite = orders, order = 10, topic = "order.created", retries = 3)]
async fn reserve(_order: OrderCreated) {}

fn main() {}
