//! A step is registered once.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve<T: Default>(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
