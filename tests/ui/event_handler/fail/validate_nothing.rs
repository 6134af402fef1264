//! A validation where no argument is a payload.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

fn check(order: &OrderCreated) -> Result<(), String> {
    if order.id == 0 { Err("it has no id".to_owned()) } else { Ok(()) }
}

#[event_handler(composite = orders, order = 10, validate = check)]
async fn handle(_meta: Metadata) {}

fn main() {}
