//! There is no transaction without an inbox.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn handle(_order: OrderCreated, _tx: Tx) {}

fn main() {}
