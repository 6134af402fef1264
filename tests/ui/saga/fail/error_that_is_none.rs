//! An error that is none: nobody can say why.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve(&self) -> Result<u32, u32> {
        Ok(1)
    }
}

fn main() {}
