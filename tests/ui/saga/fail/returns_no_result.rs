//! What a step returns says whether it failed.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve(&self) -> u32 {
        1
    }
}

fn main() {}
