//! A rate limit that only says what comes at once.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(rate_limit(burst = 10))]
async fn handle(_order: OrderCreated) {}

fn main() {}
