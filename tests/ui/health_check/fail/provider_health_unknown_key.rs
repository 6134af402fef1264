//! A key mistyped.

use swit::prelude::*;

struct Orders;

impl Orders {
    async fn ping(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[provider(health(check = Orders::ping, timout = "2s"))]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
