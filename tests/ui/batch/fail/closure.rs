//! A closure that takes a batch.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

async fn subscribe(handle: swit::Handle) -> swit::Result<()> {
    handle.subscribe(swit::Subscription::new("order.created"), |_: Batch<OrderCreated>| async {}).await
}

fn main() {}
