//! An order by a field of the payload.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(order_by = order_id)]
async fn handle(_order: OrderCreated) {}

fn main() {}
