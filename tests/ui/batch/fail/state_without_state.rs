//! Shared state that is not taken as `State`.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Db;

#[subscriber(batch(max = 100, within = "100ms"))]
async fn store(_orders: Batch<OrderCreated>, _db: Db) {}

fn main() {}
