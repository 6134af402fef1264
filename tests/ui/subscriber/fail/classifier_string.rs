//! A classifier is a path, not a string.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}


#[subscriber(classifier = "mine")]
async fn handle(_order: OrderCreated) {}

fn main() {}
