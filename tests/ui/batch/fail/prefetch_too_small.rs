//! A prefetch that no batch would fill with.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(max = 100, within = "100ms"), concurrency = 4, prefetch = 399)]
async fn store(_orders: Batch<OrderCreated>) {}

#[subscriber(batch(max = 1000, within = "100ms"), concurrency = 66)]
async fn too_many(_orders: Batch<OrderCreated>) {}

fn main() {}
