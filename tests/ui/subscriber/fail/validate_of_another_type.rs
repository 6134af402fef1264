//! A validation of another type than the payload's.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

fn check(_id: &u64) -> Result<(), String> {
    Ok(())
}

#[subscriber(validate = check)]
async fn handle(_order: OrderCreated) {}

fn main() {}
