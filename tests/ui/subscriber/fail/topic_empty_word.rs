//! A topic with an empty word.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = "order..created")]
async fn handle(_order: OrderCreated) {}

fn main() {}
