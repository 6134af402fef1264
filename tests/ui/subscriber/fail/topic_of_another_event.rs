//! A topic that is not the event's.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "payment.completed")]
struct PaymentCompleted {
    id: u64,
}

#[subscriber(topic = "order.*")]
async fn confirm_order(_payment: PaymentCompleted) {}

fn main() {}
