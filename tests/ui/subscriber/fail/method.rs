//! A method.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Orders;

impl Orders {
    #[subscriber]
    async fn handle(&self, _order: OrderCreated) {}
}

fn main() {}
