//! The argument is not what the step returned.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve(&self) -> Result<u32, std::io::Error> {
        Ok(1)
    }

    #[step(no_compensation)]
    async fn charge(&self, #[output(reserve)] shelf: String) -> Result<(), std::io::Error> {
        Ok(drop(shelf))
    }
}

fn main() {}
