//! A schema of what is read by another codec.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(topic = "order.created", validate = schema, codec = "json")]
async fn handle(_order: swit::Protobuf<Order>) {}

#[derive(Clone, PartialEq, prost::Message)]
struct Order {
    #[prost(uint64, tag = "1")]
    id: u64,
}

fn main() {}
