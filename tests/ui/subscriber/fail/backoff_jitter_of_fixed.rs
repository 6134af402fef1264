//! Decorrelated jitter of a backoff that does not grow.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}


#[subscriber(backoff = fixed("1s", jitter = "decorrelated"))]
async fn handle(_order: OrderCreated) {}

fn main() {}
