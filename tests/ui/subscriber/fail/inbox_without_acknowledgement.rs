//! What does not come again needs no inbox.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[subscriber(inbox, ack = "none")]
async fn handle(_order: OrderCreated) {}

fn main() {}
