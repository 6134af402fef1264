//! Keys of the health beside it.

use swit::prelude::*;

struct Orders;

impl Orders {
    async fn ping(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[provider(health = Orders::ping, timeout = "2s", critical = false)]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
