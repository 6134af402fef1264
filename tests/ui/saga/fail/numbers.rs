//! Numbers out of range.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order, version = 0, timeout = "0s", concurrency = 0)]
impl PlaceOrder {
    #[step(no_compensation, timeout = "25h", retries = 101)]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[step(no_compensation, after = "0s", retries = 0, backoff = fixed("1s"))]
    async fn charge(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
