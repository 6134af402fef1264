//! A function without the attribute, named as a subscriber.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

fn handler<H: swit::__private::Handler>() {}

fn select() {
    handler::<OrderCreated>();
}

#[subscriber]
async fn handle(_order: OrderCreated) {}

fn main() {}
