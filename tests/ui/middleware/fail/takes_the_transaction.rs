//! The transaction begins inside of all middleware.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[middleware]
async fn audit(cx: &mut Context, next: Next<'_>, _tx: Tx) -> Outcome {
    next.run(cx).await
}

fn main() {}
