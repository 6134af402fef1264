//! Names are names of everything else.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order, name = "place order")]
impl PlaceOrder {
    #[step(no_compensation, name = "a b")]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
