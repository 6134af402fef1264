//! A function with a type parameter.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = "order.created")]
async fn handle<T: Send>(_value: Json<T>) {}

fn main() {}
