//! A transaction is lent as a value.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[subscriber(inbox)]
async fn handle(_order: OrderCreated, _tx: &mut Tx) {}

fn main() {}
