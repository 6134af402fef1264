//! What never ends is never missing.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.shipped", key = order)]
struct OrderShipped {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[wait(key = order, no_compensation)]
    async fn shipped(&self, event: Option<OrderShipped>) -> Result<(), std::io::Error> {
        Ok(drop(event))
    }
}

fn main() {}
