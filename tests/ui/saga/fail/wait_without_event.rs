//! There is something to wait for.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[wait(key = order, no_compensation)]
    async fn shipped(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
