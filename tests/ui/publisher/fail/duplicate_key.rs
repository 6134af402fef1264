//! A key that is given twice.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
    customer: String,
}

#[publisher(event = OrderCreated, confirm = "5s", confirm = "6s")]
pub struct OrderCreatedPublisher;

fn main() {}
