//! A prefetch beyond what AMQP carries.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(prefetch = 70000)]
async fn handle(_order: OrderCreated) {}

fn main() {}
