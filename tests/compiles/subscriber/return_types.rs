//! Everything that a handler may return.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

type Answer<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[subscriber]
async fn nothing(_: OrderCreated) {}

#[subscriber]
async fn outcome(_: OrderCreated) -> Outcome {
    Outcome::success()
}

#[subscriber]
async fn event(order: OrderCreated) -> Publish<OrderCreated> {
    Publish(order)
}

#[subscriber]
async fn tuple(order: OrderCreated) -> (Publish<OrderCreated>, Option<Publish<OrderCreated>>) {
    (Publish(order), None)
}

#[subscriber]
async fn several(order: OrderCreated) -> Answer<Vec<Publish<OrderCreated>>> {
    Ok(vec![Publish(order)])
}

#[subscriber]
async fn io(_: OrderCreated) -> std::io::Result<()> {
    Ok(())
}
