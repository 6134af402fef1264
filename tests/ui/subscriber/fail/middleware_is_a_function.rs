//! A listed function without `#[middleware]`.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

#[subscriber(middleware = [audit])]
async fn handle(_order: OrderCreated) {}

fn main() {}
