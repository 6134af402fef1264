//! What is about one message, at a handler of many.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[middleware(global = false)]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

async fn ask(_: &Context, _: &std::io::Error) -> ErrorAction {
    ErrorAction::ByClass
}

#[subscriber(batch(max = 100, within = "100ms"), middleware = [audit], on_error = ask)]
async fn store(_orders: Batch<OrderCreated>) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
