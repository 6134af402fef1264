//! Instances are told apart by something.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn confirm(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
