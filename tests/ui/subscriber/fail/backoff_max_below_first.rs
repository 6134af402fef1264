//! A longest wait below the first.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(backoff = exponential("1m", max = "30s"))]
async fn handle(_order: OrderCreated) {}

fn main() {}
