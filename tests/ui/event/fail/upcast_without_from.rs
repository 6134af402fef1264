//! An older version that nobody converts.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderV1 {}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", version = 2, upcast = OrderV1)]
struct Order {}

fn main() {}
