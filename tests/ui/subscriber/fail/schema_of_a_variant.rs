//! A schema of an enum of events, one of which has none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[derive(Serialize, Deserialize, JsonSchema, Event)]
#[event(topic = "order.paid")]
struct OrderPaid {
    id: u64,
}

#[derive(Event)]
enum Orders {
    Created(OrderCreated),
    Paid(OrderPaid),
}

#[subscriber(validate = schema)]
async fn handle(_order: Orders) {}

fn main() {}
