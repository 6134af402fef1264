//! A batch of one, and a wait that is too long.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(max = 1, within = "1h"))]
async fn store(_orders: Batch<OrderCreated>) {}

fn main() {}
