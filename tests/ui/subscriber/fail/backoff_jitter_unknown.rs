//! A word that is no jitter.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}


#[subscriber(backoff = exponential("1s", jitter = "ful"))]
async fn handle(_order: OrderCreated) {}

fn main() {}
