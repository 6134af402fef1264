//! A field in quotation marks.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = "order_id")]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
