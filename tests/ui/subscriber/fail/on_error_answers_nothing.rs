//! An `on_error` that decides nothing.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

async fn decide(_cx: &Context, _error: &std::io::Error) {}

#[subscriber(on_error = decide)]
async fn handle(_order: OrderCreated) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
