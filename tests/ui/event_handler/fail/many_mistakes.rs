//! Every mistake is reported at once.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

#[event_handler(composite = 3, order = "x", nam = "reserve", retries = 3, on_error = "decide")]
fn reserve(_order: &OrderCreated) {}

fn main() {}
