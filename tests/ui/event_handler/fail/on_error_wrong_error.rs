//! `on_error` takes another error.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

async fn decide(_: &Context, _: &std::fmt::Error) -> ErrorAction {
    ErrorAction::Discard
}

#[event_handler(composite = orders, order = 10, on_error = decide)]
async fn reserve(_order: OrderCreated) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
