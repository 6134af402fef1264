//! An order that several workers would break.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(ordered, concurrency = 4)]
async fn handle(_order: OrderCreated) {}

fn main() {}
