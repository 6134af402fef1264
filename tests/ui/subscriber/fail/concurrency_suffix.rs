//! A number with a suffix.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(concurrency = 10u64)]
async fn handle(_order: OrderCreated) {}

fn main() {}
