//! A name with a character that none may have.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(name = "confirm order")]
async fn handle(_order: OrderCreated) {}

fn main() {}
