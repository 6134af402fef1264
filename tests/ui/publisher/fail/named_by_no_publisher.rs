//! A publisher that is named by something else.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
    customer: String,
}

#[subscriber]
async fn pay(order: OrderCreated, publisher: Publisher<OrderCreated>) {}

fn main() {}
