//! Shared state that is not wrapped.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

struct Stock;

#[event_handler(composite = orders, order = 10)]
async fn reserve(_order: OrderCreated, _stock: Stock) {}

fn main() {}
