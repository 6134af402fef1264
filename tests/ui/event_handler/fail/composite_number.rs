//! A composite that is no path and no name.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

#[event_handler(composite = 3, order = 10)]
async fn reserve(_order: OrderCreated) {}

fn main() {}
