//! An enum of enums.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    order_id: u64,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.paid")]
struct OrderPaid {}

#[derive(Event)]
enum Orders {
    Created(OrderCreated),
    Paid(OrderPaid),
}

#[derive(Event)]
enum All {
    Orders(Orders),
}

fn main() {}
