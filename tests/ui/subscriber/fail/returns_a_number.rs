//! A value that nobody can publish.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn handle(_order: OrderCreated) -> u32 {
    1
}

fn main() {}
