//! An attribute at a variant.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[derive(Event)]
enum Orders {
    #[event(topic = "order.created")]
    Created(OrderCreated),
}

fn main() {}
