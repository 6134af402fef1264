//! A breaker that stays open for longer than brokers wait.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(circuit_breaker(reset = "2h"))]
async fn handle(_order: OrderCreated) {}

fn main() {}
