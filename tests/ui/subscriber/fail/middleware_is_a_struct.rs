//! A listed type that is not middleware.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Audit;

#[subscriber(middleware = [Audit])]
async fn handle(_order: OrderCreated) {}

fn main() {}
