//! A function whose name is no subscriber's name.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn größe(_order: OrderCreated) {}

fn main() {}
