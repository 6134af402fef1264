//! A queue with the broker's own prefix.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(queue = "amq.orders")]
async fn handle(_order: OrderCreated) {}

fn main() {}
