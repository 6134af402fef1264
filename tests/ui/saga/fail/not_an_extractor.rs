//! An argument that nobody can hand over.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve(&self, shelf: u32) -> Result<(), std::io::Error> {
        Ok(drop(shelf))
    }
}

fn main() {}
