//! A key that is given twice.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

#[event_handler(composite = orders, order = 10, order = 20)]
async fn reserve(_order: OrderCreated) {}

fn main() {}
