//! A bucket that is too small for the clock.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(rate_limit(per_second = 5000, burst = 1))]
async fn handle(_order: OrderCreated) {}

fn main() {}
