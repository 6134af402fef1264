//! A topic for an enum.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    order_id: u64,
}

#[derive(Event)]
#[event(topic = "order.#")]
enum Orders {
    Created(OrderCreated),
}

fn main() {}
