//! A key that is given twice.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(retries = 3, timeout = "1s", retries = 4)]
async fn handle(_order: OrderCreated) {}

fn main() {}
