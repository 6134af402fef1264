//! Keys of event handlers, composites and middleware.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(order = 10, strategy = parallel, only = ["a"])]
async fn reserve(_order: OrderCreated) {}

fn main() {}
