//! Keys that a wait has no use for.

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
    #[wait(key = order, no_compensation, after = "1h", on_error = classify, blocking, within = "0s")]
    async fn shipped(&self, event: OrderShipped) -> Result<(), std::io::Error> {
        Ok(drop(event))
    }
}

fn main() {}
