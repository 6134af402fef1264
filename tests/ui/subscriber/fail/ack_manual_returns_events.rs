//! What is returned is published after the handler has acknowledged, and may be lost.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(ack = "manual")]
async fn handle(order: OrderCreated, ack: Ack) -> Result<Option<Publish<OrderCreated>>, std::io::Error> {
    ack.ack();
    Ok(None)
}

fn main() {}
