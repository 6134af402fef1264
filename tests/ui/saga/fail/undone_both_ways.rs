//! It is one or the other.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(compensate = release, no_compensation)]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[compensation]
    async fn release(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
