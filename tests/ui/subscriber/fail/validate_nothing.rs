//! A validation where no argument is a payload.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

fn check(_order: &OrderCreated) -> Result<(), String> {
    Ok(())
}

#[subscriber(topic = "order.created", validate = check)]
async fn handle(_meta: Metadata) {}

fn main() {}
