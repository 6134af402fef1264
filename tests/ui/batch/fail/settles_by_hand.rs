//! A batch that is settled by hand.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(max = 100, within = "100ms"), ack = "manual")]
async fn store(_orders: Batch<OrderCreated>) {}

fn main() {}
