//! Topics that leave out a variant.

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

#[derive(Event)]
enum Both {
    Order(OrderCreated),
    Payment(PaymentCompleted),
}

#[subscriber(topics = ["order.created", "order.#"])]
async fn handle(_event: Both) {}

fn main() {}
