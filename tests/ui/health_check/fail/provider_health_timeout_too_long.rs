//! Longer than anybody waits.

use swit::prelude::*;

struct Orders;

impl Orders {
    async fn ping(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[provider(health(check = Orders::ping, timeout = "1m"))]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
