//! A blocking function that keeps what threads can't share.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber(blocking)]
fn handle(_order: OrderCreated) -> std::rc::Rc<u8> {
    std::rc::Rc::new(1)
}

fn main() {}
