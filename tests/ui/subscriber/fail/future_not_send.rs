//! A future that cannot move between threads.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

#[subscriber]
async fn handle(_order: OrderCreated) {
    let counter = std::rc::Rc::new(1);
    tick().await;
    drop(counter);
}

async fn tick() {}

fn main() {}
