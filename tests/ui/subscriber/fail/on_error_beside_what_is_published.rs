//! An `on_error` that is never asked: what is published is no error.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

async fn decide(_cx: &Context, _error: &std::io::Error) -> ErrorAction {
    ErrorAction::Retry
}

#[subscriber(on_error = decide)]
async fn handle(order: OrderCreated) -> (Publish<OrderCreated>, Option<Publish<OrderCreated>>) {
    (Publish(order), None)
}

fn main() {}
