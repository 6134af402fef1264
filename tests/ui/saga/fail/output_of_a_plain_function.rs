//! Nothing hands it one.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

#[saga(key = order)]
impl PlaceOrder {
    #[step(no_compensation)]
    async fn confirm(&self) -> Result<(), std::io::Error> {
        Ok(())
    }

    fn plain(#[output(confirm)] done: ()) -> () {
        drop(done)
    }
}

fn main() {}
