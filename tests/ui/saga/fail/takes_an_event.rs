//! Nothing is delivered to a step.

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
    #[step(no_compensation)]
    async fn reserve(&self, _event: OrderShipped) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[step(no_compensation)]
    async fn charge(&self, _ack: Ack) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
