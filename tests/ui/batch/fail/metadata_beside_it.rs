//! What belongs to one delivery, beside a batch.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(max = 100, within = "100ms"))]
async fn store(_orders: Batch<OrderCreated>, _meta: Metadata, _headers: Headers, _ack: Ack) {}

fn main() {}
