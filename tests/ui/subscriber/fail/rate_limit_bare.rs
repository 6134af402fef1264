//! A rate limit without a rate.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(rate_limit)]
async fn handle(_order: OrderCreated) {}

fn main() {}
