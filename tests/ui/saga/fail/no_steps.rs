//! A saga of nothing.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    async fn plain(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
