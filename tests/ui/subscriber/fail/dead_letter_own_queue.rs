//! A queue whose failures come back to it.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(queue = "orders", dead_letter = "orders")]
async fn handle(_order: OrderCreated) {}

fn main() {}
