//! A backoff that is nearly one.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(backoff = exponentail("1s"))]
async fn handle(_order: OrderCreated) {}

fn main() {}
