//! What an instance was started with is every step's.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve(self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[step(no_compensation)]
    async fn charge(&mut self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
