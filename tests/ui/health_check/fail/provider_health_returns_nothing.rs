//! A provider's health that can't be bad.

use swit::prelude::*;

struct Orders;

impl Orders {
    async fn health(&self) {}
}

#[provider(health = Orders::health)]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
