//! Arguments that are borrowed.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn handle(_order: &OrderCreated, _topic: &str) {}

fn main() {}
