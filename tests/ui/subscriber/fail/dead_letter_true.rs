//! A dead-letter queue that is only said to exist.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(dead_letter = true)]
async fn handle(_order: OrderCreated) {}

fn main() {}
