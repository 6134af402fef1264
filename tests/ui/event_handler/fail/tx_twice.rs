//! There is one transaction.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = parallel);

#[event_handler(composite = orders, order = 1, inbox)]
async fn handle(_order: OrderCreated, _first: Tx, _second: Tx) {}

fn main() {}
