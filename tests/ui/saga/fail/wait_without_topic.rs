//! What is waited for has a topic.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[derive(Serialize, Deserialize)]
struct Parcel {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[wait(key = order, no_compensation)]
    async fn shipped(&self, event: Json<Parcel>) -> Result<(), std::io::Error> {
        Ok(drop(event))
    }
}

fn main() {}
