//! A share above one.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(backoff = exponential("1s", jitter = 2))]
async fn handle(_order: OrderCreated) {}

fn main() {}
