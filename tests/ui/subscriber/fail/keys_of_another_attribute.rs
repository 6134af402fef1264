//! Middleware's keys at a subscriber.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(only = ["a"])]
async fn handle(_order: OrderCreated) {}

fn main() {}
