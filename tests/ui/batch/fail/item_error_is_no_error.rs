//! The error of an item that is none.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Wrong;

#[subscriber(batch(max = 100, within = "100ms"))]
async fn store(orders: Batch<OrderCreated>) -> BatchOutcome {
    orders.each(async |_order| Err::<(), _>(Wrong)).await
}

fn main() {}
