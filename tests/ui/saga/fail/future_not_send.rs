//! Steps run on any thread.

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
        let held = std::rc::Rc::new(1);
        std::future::ready(()).await;
        drop(held);
        Ok(())
    }
}

fn main() {}
