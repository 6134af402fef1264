//! A `Result` of something that is nothing.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn handle(_order: OrderCreated) -> Result<String, std::io::Error> {
    Ok(String::new())
}

fn main() {}
