//! A key that may be absent.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = tenant)]
struct OrderCreated {
    tenant: Option<String>,
}

fn main() {}
