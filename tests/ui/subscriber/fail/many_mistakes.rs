//! Every mistake is reported at once.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = "order..created", retires = 3, timeout = "30", concurrency = 0, dead_letter = true)]
fn handle(self, order: &OrderCreated) -> impl Send {}

fn main() {}
