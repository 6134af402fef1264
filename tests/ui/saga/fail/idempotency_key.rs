//! An idempotency key is a field, or a function of the block.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation, idempotency_key = "reference")]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
