//! A duration without a unit.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(timeout = "30")]
async fn handle(_order: OrderCreated) {}

fn main() {}
