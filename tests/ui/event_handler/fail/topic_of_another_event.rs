//! An event that the composite never gets.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.paid")]
struct OrderPaid {
    id: u64,
}

#[event_handler(composite = orders, order = 10)]
async fn reserve(_order: OrderPaid) {}

fn main() {}
