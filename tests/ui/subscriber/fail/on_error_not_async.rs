//! An `on_error` that is not async.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

fn decide(_cx: &Context, _error: &std::io::Error) -> ErrorAction {
    ErrorAction::Retry
}

#[subscriber(on_error = decide)]
async fn handle(_order: OrderCreated) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
