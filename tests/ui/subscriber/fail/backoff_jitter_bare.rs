//! The word of a jitter without quotation marks.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(backoff = exponential("1s", jitter = full))]
async fn handle(_order: OrderCreated) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
