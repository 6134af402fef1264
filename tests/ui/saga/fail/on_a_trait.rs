//! It goes on an impl block of the type itself.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize)]
struct PlaceOrder {
    order: String,
}

trait Places {
    fn place();
}

#[saga(key = order)]
impl Places for PlaceOrder {
    fn place() {}
}

fn main() {}
