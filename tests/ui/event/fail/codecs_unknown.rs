//! A codec that is not there.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", codecs = ["json", "avro", "mspack"])]
struct OrderCreated {
    order_id: u64,
}

fn main() {}
