//! An event type that is empty.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(event = "")]
async fn handle(_order: OrderCreated) {}

fn main() {}
