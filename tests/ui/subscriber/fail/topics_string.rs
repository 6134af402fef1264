//! One topic where a list goes.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topics = "order.created")]
async fn handle(_order: OrderCreated) {}

fn main() {}
