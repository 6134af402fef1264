//! An inbox has one message in a transaction.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[subscriber(inbox, batch(max = 10, within = "1s"))]
async fn handle(_orders: Batch<OrderCreated>) {}

fn main() {}
