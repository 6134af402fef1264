//! A classifier that is not a function that makes an `ErrorClassifier`.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

fn mine() -> Class {
    Class::Transient
}

#[subscriber(classifier = mine)]
async fn handle(_order: OrderCreated) {}

fn main() {}
