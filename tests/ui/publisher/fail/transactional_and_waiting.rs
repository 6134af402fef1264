//! A relay waits for the broker, and nobody else.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[publisher(event = OrderCreated, transactional, async, batch, confirm = "1s")]
pub struct OrderCreatedPublisher;

fn main() {}
