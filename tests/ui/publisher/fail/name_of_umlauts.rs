//! A struct whose name is no publisher's.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
    customer: String,
}

#[publisher(event = OrderCreated)]
pub struct BestellungGeprüftPublisher;

fn main() {}
