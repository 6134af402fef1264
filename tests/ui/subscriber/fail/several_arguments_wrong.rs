//! Two arguments that are no extractors.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = "order.created")]
async fn handle(_a: Vec<u8>, _b: String) {}

fn main() {}
