//! No codec at all.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", codecs = [])]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
