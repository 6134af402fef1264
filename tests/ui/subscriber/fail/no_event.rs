//! A handler whose arguments are no events.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(retries = 3)]
async fn handle(_order: Json<OrderCreated>, _meta: Metadata) {}

fn main() {}
