//! An argument that is there only with a feature.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn reserve(_order: OrderCreated, #[cfg(any())] _state: State<String>) {}

fn main() {}
