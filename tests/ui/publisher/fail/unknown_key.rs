//! A key that is misspelled.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
    customer: String,
}

#[publisher(event = OrderCreated, comfirm = "5s")]
pub struct OrderCreatedPublisher;

fn main() {}
