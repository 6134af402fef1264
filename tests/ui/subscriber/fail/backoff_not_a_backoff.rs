//! A duration where a backoff goes.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(backoff = "1s")]
async fn handle(_order: OrderCreated) {}

fn main() {}
