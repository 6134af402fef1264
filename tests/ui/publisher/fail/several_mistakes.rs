//! All mistakes are told at once, and the struct is still there.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
    customer: String,
}

#[publisher(event = OrderCreated, name = "a b", confirm = 5, transport = "", unrouted = ignore)]
pub struct OrderCreatedPublisher;

fn uses(_: OrderCreatedPublisher) {}

fn main() {}
