//! No attempt that could be made alone.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(max = 100, within = "100ms"), retries = 0)]
async fn store(_orders: Batch<OrderCreated>) {}

fn main() {}
