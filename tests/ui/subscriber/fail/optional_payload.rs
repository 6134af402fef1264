//! A payload that may be absent.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn handle(_order: OrderCreated, _again: Option<Json<u8>>) {}

fn main() {}
