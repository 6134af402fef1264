//! An order by a string.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(order_by = "key")]
async fn handle(_order: OrderCreated) {}

fn main() {}
