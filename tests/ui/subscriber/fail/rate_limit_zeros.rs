//! A rate limit that lets nothing through.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(rate_limit(per_second = 0, burst = 0))]
async fn handle(_order: OrderCreated) {}

fn main() {}
