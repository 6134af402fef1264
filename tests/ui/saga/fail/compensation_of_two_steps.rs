//! It is called with the output of one.

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

    #[step(compensate = release)]
    async fn reserve_more(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[compensation]
    async fn release(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
