//! Keys of which nothing comes.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

async fn decide(_cx: &Context, _error: &std::io::Error) -> ErrorAction {
    ErrorAction::ByClass
}

#[subscriber(retries = 0, backoff = fixed("1s"))]
async fn reserve(_order: OrderCreated) {}

#[subscriber(ack = "none", dead_letter = false, on_error = decide)]
async fn look(_order: OrderCreated) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
