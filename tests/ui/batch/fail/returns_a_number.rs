//! A return value that says nothing of the messages.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(max = 100, within = "100ms"))]
async fn store(orders: Batch<OrderCreated>) -> usize {
    orders.len()
}

fn main() {}
