//! An event that is not published.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn handle(order: OrderCreated) -> Result<OrderCreated, std::io::Error> {
    Ok(order)
}

fn main() {}
