//! What else starts it is a subscriber.

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
    #[start]
    fn begin(event: OrderShipped) -> Self {
        Self { order: event.order }
    }

    #[start]
    fn begin_again(event: OrderShipped) -> Self {
        Self { order: event.order }
    }

    #[step(no_compensation)]
    async fn confirm(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
