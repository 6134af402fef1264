//! Keys that are announced but not there yet.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = "order.created", inbox, batch(max = 10, within = "1s"))]
async fn handle(_order: OrderCreated) {}

fn main() {}
