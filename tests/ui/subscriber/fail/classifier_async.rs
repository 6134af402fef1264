//! A classifier that would have to be waited for.

use serde::{Deserialize, Serialize};
use swit::{ErrorClassifier, prelude::*};

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

async fn rules() -> ErrorClassifier {
    ErrorClassifier::empty()
}

#[subscriber(classifier = rules)]
async fn handle(_order: OrderCreated) {}

fn main() {}
