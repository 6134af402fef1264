//! More retries than anybody waits for.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(retries = 101)]
async fn handle(_order: OrderCreated) {}

fn main() {}
