//! It is one or the other.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn confirm(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[step(no_compensation)]
    #[compensation]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
