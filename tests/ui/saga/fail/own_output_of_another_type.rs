//! The argument of a compensation is not what its step returned.

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
    async fn release(&self, #[output] shelf: Option<String>) -> Result<(), std::io::Error> {
        Ok(drop(shelf))
    }
}

fn main() {}
