//! Workers that would starve.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(concurrency = 10, prefetch = 5)]
async fn handle(_order: OrderCreated) {}

fn main() {}
