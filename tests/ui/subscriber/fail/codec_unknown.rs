//! A codec that is not there.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(codec = "avro")]
async fn handle(_order: OrderCreated) {}

fn main() {}
