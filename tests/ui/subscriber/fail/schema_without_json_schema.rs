//! A schema of a type that has none.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(validate = schema)]
async fn handle(_order: OrderCreated) {}

fn main() {}
