//! A filter that lets no message of the argument pass.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(event = "OrderPaid")]
async fn handle(_order: OrderCreated) {}

fn main() {}
