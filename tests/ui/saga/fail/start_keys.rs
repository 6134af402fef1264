//! Keys that are the saga's own.

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
    #[start(inbox, ack = "manual", batch(max = 10, within = "1s"), no_compensation)]
    fn begin(event: OrderShipped) -> Self {
        Self { order: event.order }
    }

    #[step(no_compensation)]
    async fn confirm(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
