//! An argument that the breaker does not have.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(circuit_breaker(failurs = 5))]
async fn handle(_order: OrderCreated) {}

fn main() {}
