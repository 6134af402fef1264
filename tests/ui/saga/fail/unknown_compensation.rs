//! A compensation that is not there, but nearly.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(compensate = relase)]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[compensation]
    async fn release(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
