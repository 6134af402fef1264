//! A validation whose error has no text.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Wrong;

fn check(_order: &OrderCreated) -> Result<(), Wrong> {
    Err(Wrong)
}

#[subscriber(validate = check)]
async fn handle(_order: OrderCreated) {}

fn main() {}
