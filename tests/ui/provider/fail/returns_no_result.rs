//! A value that is not in a `Result`.

use swit::prelude::*;

struct Orders;

#[provider]
async fn open() -> Orders {
    Orders
}

fn main() {}
