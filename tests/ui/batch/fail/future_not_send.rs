//! A batch handler whose future can't move between threads.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(max = 100, within = "100ms"))]
async fn store(orders: Batch<OrderCreated>) {
    let shared = std::rc::Rc::new(orders.len());
    std::future::ready(()).await;
    drop(shared);
}

fn main() {}
