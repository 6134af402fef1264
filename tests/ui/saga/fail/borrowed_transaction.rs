//! It is lent as a value.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn reserve(&self, _tx: &mut Tx) -> Result<(), std::io::Error> {
        Ok(())
    }
}

fn main() {}
