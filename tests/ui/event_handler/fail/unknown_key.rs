//! A key with a typing mistake.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

#[event_handler(composite = orders, ordr = 10)]
async fn reserve(_order: OrderCreated) {}

fn main() {}
