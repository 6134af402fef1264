//! A bool in quotation marks.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(enabled = "false")]
async fn handle(_order: OrderCreated) {}

fn main() {}
