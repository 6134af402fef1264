//! The key is known before anything else is.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = key_of)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn confirm(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    fn key_of(&self, prefix: &str) -> String {
        format!("{prefix}{}", self.order)
    }
}

fn main() {}
