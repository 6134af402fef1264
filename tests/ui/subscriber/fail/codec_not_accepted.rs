//! A codec that the event type does not accept.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(codec = "msgpack")]
async fn handle(_order: OrderCreated) {}

fn main() {}
