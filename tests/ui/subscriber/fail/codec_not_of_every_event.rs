//! A codec that one event of an enum does not accept.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", codecs = ["json", "msgpack"])]
struct OrderCreated {
    id: u64,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.paid")]
struct OrderPaid {
    id: u64,
}

#[derive(Event)]
enum OrderEvent {
    Created(OrderCreated),
    Paid(OrderPaid),
}

#[subscriber(codec = "msgpack")]
async fn handle(_order: OrderEvent) {}

fn main() {}
