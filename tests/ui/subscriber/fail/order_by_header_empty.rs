//! An order by a header without a name.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(order_by = header(""))]
async fn handle(_order: OrderCreated) {}

fn main() {}
