//! Events that would be published under no delivery.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(batch(max = 100, within = "100ms"))]
async fn store(_orders: Batch<OrderCreated>) -> Result<Publish<OrderCreated>, std::io::Error> {
    Ok(Publish(OrderCreated { id: 1 }))
}

fn main() {}
