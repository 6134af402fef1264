//! A `Batch`, and no `batch`.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn store(_orders: Batch<OrderCreated>) {}

fn main() {}
