//! Steps are async.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
