//! Of its own step a compensation takes the output without a name.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(compensate = release)]
    async fn reserve(&self, _tx: Tx) -> Result<u32, std::io::Error> {
        Ok(1)
    }

    #[compensation]
    async fn release(&self, #[output(reserve)] shelf: u32) -> Result<(), std::io::Error> {
        Ok(drop(shelf))
    }
}

fn main() {}
