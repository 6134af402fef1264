//! By its name an instance knows where it is.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[step(no_compensation, name = "reserve")]
    async fn charge(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
