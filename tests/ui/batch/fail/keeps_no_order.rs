//! A batch that keeps an order.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(max = 100, within = "100ms"), order_by = key)]
async fn store(_orders: Batch<OrderCreated>) {}

#[subscriber(batch(max = 100, within = "100ms"), ordered)]
async fn all(_orders: Batch<OrderCreated>) {}

fn main() {}
