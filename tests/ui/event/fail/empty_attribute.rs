//! An attribute that says nothing.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
