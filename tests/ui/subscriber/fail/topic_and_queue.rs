//! A topic of one's own and an existing queue.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = "order.created", queue = "orders")]
async fn handle(_order: OrderCreated) {}

fn main() {}
