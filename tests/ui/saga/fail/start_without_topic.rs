//! Nothing says when it starts.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[start]
    fn begin() -> Self {
        Self { order: String::new() }
    }

    #[step(no_compensation)]
    async fn confirm(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
