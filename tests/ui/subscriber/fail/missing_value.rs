//! A key without its value.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(timeout = , retries = 3)]
async fn handle(_order: OrderCreated) {}

fn main() {}
