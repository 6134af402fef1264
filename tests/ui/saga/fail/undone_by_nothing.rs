//! A step says how it is undone, or that it is not.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
