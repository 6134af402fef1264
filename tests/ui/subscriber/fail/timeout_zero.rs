//! No time at all.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(timeout = "0s")]
async fn handle(_order: OrderCreated) {}

fn main() {}
