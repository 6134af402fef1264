//! `on_error` of a handler that decides by itself.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

async fn decide(_: &Context, _: &std::io::Error) -> ErrorAction {
    ErrorAction::Discard
}

#[event_handler(composite = orders, order = 10, on_error = decide)]
async fn reserve(_order: OrderCreated) -> Outcome {
    Outcome::Success
}

fn main() {}
