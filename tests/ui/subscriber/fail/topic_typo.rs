//! A topic with a slip of the pen.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = "order.create")]
async fn handle(_order: OrderCreated) {}

fn main() {}
