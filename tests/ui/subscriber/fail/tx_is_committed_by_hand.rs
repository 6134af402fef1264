//! The pipeline commits.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[subscriber(inbox)]
async fn handle(_order: OrderCreated, tx: Tx) -> Result<(), swit::StoreError> {
    tx.commit().await
}

fn main() {}
