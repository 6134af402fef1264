//! The key is a field of the event, or a function.

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
    #[wait(key = ordr, no_compensation)]
    async fn shipped(&self, event: OrderShipped) -> Result<(), std::io::Error> {
        Ok(drop(event))
    }
}

fn main() {}
