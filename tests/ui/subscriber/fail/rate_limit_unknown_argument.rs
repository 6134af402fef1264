//! An argument that the rate limit does not have.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(rate_limit(per_secnd = 100))]
async fn handle(_order: OrderCreated) {}

fn main() {}
