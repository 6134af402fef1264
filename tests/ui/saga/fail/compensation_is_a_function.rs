//! A function that was not said to be a compensation.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(compensate = release)]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    async fn release(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
