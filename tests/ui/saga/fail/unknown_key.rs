//! Every key that is not known, each with the nearest one.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order, verison = 2)]
impl PlaceOrder {
    #[step(no_compensation, retires = 3)]
    async fn reserve(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[step(compensate = release)]
    async fn charge(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    #[compensation(timout = "5s")]
    async fn release(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
