//! A word that is nearly one.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", newer = "tolerat")]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
