//! A classifier that would be asked about each error.

use serde::{Deserialize, Serialize};
use swit::{ErrorClassifier, prelude::*};

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

fn rules(_error: &std::io::Error) -> ErrorClassifier {
    ErrorClassifier::empty()
}

#[subscriber(classifier = rules)]
async fn handle(_order: OrderCreated) {}

fn main() {}
