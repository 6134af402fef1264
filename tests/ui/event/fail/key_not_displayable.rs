//! A key that has no text.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = lines)]
struct OrderCreated {
    lines: Vec<u8>,
}

fn main() {}
