//! A path that leads to a subscriber.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn alone(_order: OrderCreated) {}

#[event_handler(composite = alone, order = 10)]
async fn reserve(_order: OrderCreated) {}

fn main() {}
