//! Everything that is wrong with a breaker is said at once.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(circuit_breaker(failures = "five", reset = 30, rate = 0, half_open = -1, failures = 3, seconds = 5))]
async fn handle(_order: OrderCreated) {}

fn main() {}
