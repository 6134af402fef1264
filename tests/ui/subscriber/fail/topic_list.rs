//! A list where one topic goes.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = ["order.created", "order.paid"])]
async fn handle(_order: OrderCreated) {}

fn main() {}
