//! An error that is none.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Wrong;

#[subscriber(batch(max = 100, within = "100ms"))]
async fn store(_orders: Batch<OrderCreated>) -> Result<BatchOutcome, Wrong> {
    Err(Wrong)
}

fn main() {}
