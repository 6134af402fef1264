//! A schema of what is not JSON alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, JsonSchema, Event)]
#[event(topic = "order.created", codecs = ["json", "msgpack"])]
struct OrderCreated {
    id: u64,
}

#[subscriber(validate = schema)]
async fn handle(_order: OrderCreated) {}

fn main() {}
