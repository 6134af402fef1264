//! A variadic function.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async unsafe extern "C" fn handle(_order: OrderCreated, ...) {}

fn main() {}
