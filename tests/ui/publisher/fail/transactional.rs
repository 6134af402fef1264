//! What needs the outbox.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
    customer: String,
}

#[publisher(event = OrderCreated, transactional)]
pub struct OrderCreatedPublisher;

fn main() {}
