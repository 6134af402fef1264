//! Keys that belong somewhere else.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order, retries = 3)]
impl PlaceOrder {
    #[step(no_compensation, topic = "order.shipped", version = 3)]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[step(compensate = release)]
    async fn charge(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[compensation(idempotency_key = order)]
    async fn release(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
