//! There is no delivery to take a payload from.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: String,
}

#[swit::health_check]
async fn database(_event: OrderCreated) -> Result<(), std::io::Error> {
    Ok(())
}

fn main() {}
