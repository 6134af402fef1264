//! A prefetch that brokers take for unlimited.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(prefetch = 0)]
async fn handle(_order: OrderCreated) {}

fn main() {}
