//! A validation that is not a path.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(validate = "check")]
async fn handle(_order: OrderCreated) {}

fn main() {}
