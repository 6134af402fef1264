//! A handler of no composite.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[event_handler(order = 10)]
async fn reserve(_order: OrderCreated) {}

fn main() {}
