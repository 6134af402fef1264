//! State that is taken bare.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Orders;

#[subscriber(topic = "order.created")]
async fn handle(_order: OrderCreated, _orders: Orders) {}

fn main() {}
