//! A breaker that opens after nothing, at once, and admits nobody.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(circuit_breaker(failures = 0, reset = "0s", half_open = 0))]
async fn handle(_order: OrderCreated) {}

fn main() {}
