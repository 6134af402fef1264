//! A batch of what is no payload.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Db;

#[subscriber(topic = "order.created", batch(max = 100, within = "100ms"))]
async fn store(_orders: Batch<Db>) {}

#[subscriber(topic = "order.created", batch(max = 100, within = "100ms"))]
async fn states(_states: Batch<State<Db>>) {}

fn main() {}
