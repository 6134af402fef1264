//! A flag takes no value.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[publisher(event = OrderCreated, transactional = true)]
pub struct OrderCreatedPublisher;

fn main() {}
