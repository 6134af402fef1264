//! It has none yet.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve(&self, #[output(reserve)] shelf: u32) -> Result<u32, std::io::Error> {
        Ok(shelf)
    }
}

fn main() {}
