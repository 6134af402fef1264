//! A policy for deliveries that are settled when they are handed out.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(ack = "none", retries = 3, backoff = fixed("1s"), dead_letter = "orders.dlq")]
async fn handle(_order: OrderCreated) {}

fn main() {}
