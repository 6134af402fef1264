//! Keys without a comma.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = "order.created" retries = 3)]
async fn handle(_order: OrderCreated) {}

fn main() {}
