//! Each event handler claims for itself.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = parallel);

#[event_handler(composite = orders, order = 1)]
async fn handle(_order: OrderCreated, _tx: Tx) {}

fn main() {}
