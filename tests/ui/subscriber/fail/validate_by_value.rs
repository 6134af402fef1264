//! A validation that would take the payload away.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

fn check(_order: OrderCreated) -> Result<(), String> {
    Ok(())
}

#[subscriber(validate = check)]
async fn handle(_order: OrderCreated) {}

fn main() {}
