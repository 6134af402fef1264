//! No topic at all.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
