//! A step that is there only sometimes.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[cfg(unix)]
    #[step(no_compensation)]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
