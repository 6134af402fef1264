//! No worker at all.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(concurrency = 0)]
async fn handle(_order: OrderCreated) {}

fn main() {}
