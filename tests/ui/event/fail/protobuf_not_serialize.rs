//! A message of prost that JSON is asked of too.

#![allow(unused)]

use swit::prelude::*;

#[derive(Clone, PartialEq, prost::Message, Event)]
#[event(topic = "order.created", codecs = ["protobuf", "json"])]
struct OrderCreated {
    #[prost(uint64, tag = "1")]
    order_id: u64,
}

fn main() {}
