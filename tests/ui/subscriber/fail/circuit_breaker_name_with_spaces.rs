//! A name that no breaker may have.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(circuit_breaker(name = "the bank"))]
async fn handle(_order: OrderCreated) {}

fn main() {}
