//! A field that the event does not have.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
    customer: String,
}

#[publisher(event = OrderCreated, partition = costumer)]
pub struct OrderCreatedPublisher;

fn main() {}
