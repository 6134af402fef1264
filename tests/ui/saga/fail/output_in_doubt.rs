//! A step without a transaction may have been done without anybody knowing what came of it.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(compensate = release)]
    async fn reserve(&self) -> Result<u32, std::io::Error> {
        Ok(1)
    }

    #[compensation]
    async fn release(&self, #[output] shelf: u32) -> Result<(), std::io::Error> {
        Ok(drop(shelf))
    }
}

fn main() {}
