//! An error that nobody can report.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Refused;

#[subscriber]
async fn handle(_order: OrderCreated) -> Result<(), Refused> {
    Err(Refused)
}

fn main() {}
