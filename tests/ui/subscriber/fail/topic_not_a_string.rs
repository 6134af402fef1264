//! A topic that is not a literal.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = ORDER_CREATED)]
async fn handle(_order: OrderCreated) {}

fn main() {}
