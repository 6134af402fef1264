//! There is none yet.

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
    fn begin(&self, event: OrderShipped, #[output(confirm)] _done: ()) -> Self {
        Self { order: event.order }
    }

    #[step(no_compensation)]
    async fn confirm(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
