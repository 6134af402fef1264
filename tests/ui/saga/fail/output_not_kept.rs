//! What a step comes to is written down.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

struct Shelf;

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve(&self) -> Result<Shelf, std::io::Error> {
        Ok(Shelf)
    }
}

fn main() {}
