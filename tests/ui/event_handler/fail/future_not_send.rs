//! A future that cannot move between threads.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

swit::composite!(orders, strategy = sequential, topic = "order.created");

#[event_handler(composite = orders, order = 10)]
async fn reserve(_order: OrderCreated) {
    let counter = std::rc::Rc::new(1);
    tick().await;
    drop(counter);
}

async fn tick() {}

fn main() {}
