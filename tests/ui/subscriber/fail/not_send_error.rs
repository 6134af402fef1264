//! An error that threads can't share.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn handle(_order: OrderCreated) -> Result<(), Box<dyn std::error::Error>> {
    Ok(())
}

fn main() {}
