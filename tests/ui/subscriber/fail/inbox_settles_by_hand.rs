//! Commit first, acknowledge then.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[subscriber(inbox, ack = "manual")]
async fn handle(_order: OrderCreated, ack: Ack) {
    ack.ack();
}

fn main() {}
