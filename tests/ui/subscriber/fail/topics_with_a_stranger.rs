//! A listed topic that is no event's.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topics = ["order.created", "order.paid"])]
async fn handle(_order: OrderCreated) {}

fn main() {}
