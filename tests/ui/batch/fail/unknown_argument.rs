//! A misspelt argument: it is not also missing.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(maxx = 100, within = "100ms"))]
async fn store(_orders: Batch<OrderCreated>) {}

fn main() {}
