//! A share of failed attempts that is none.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(circuit_breaker(rate = 1.5, window = "1m", min_volume = 10))]
async fn handle(_order: OrderCreated) {}

fn main() {}
