//! A topic that events can't be published to.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.*")]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
