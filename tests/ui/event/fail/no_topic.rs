//! An attribute without a topic.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(version = 2)]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
