//! A value without its key.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber("order.created")]
async fn handle(_order: OrderCreated) {}

fn main() {}
