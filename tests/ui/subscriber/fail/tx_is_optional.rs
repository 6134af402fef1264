//! It is there, or the subscriber has no inbox.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[subscriber(inbox)]
async fn handle(_order: OrderCreated, _tx: Option<Tx>) {}

fn main() {}
