//! A codec that the event does not accept.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", codecs = ["json"])]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created", codec = "msgpack");

#[event_handler(composite = orders, order = 10)]
async fn reserve(_order: OrderCreated) {}

fn main() {}
