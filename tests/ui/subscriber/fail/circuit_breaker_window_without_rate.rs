//! A window over which nothing is taken.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(circuit_breaker(failures = 5, window = "10s", min_volume = 20))]
async fn handle(_order: OrderCreated) {}

fn main() {}
