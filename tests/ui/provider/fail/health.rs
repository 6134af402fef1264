//! A key that is not there yet.

use swit::prelude::*;

struct Orders;

#[provider(health = Orders::health)]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
