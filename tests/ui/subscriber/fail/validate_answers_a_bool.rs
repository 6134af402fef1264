//! A validation that does not say what is wrong.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

fn check(order: &OrderCreated) -> bool {
    order.id > 0
}

#[subscriber(validate = check)]
async fn handle(_order: OrderCreated) {}

fn main() {}
