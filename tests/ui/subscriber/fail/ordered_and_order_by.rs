//! Two kinds of order.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(ordered, order_by = key)]
async fn handle(_order: OrderCreated) {}

fn main() {}
