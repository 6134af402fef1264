//! Neither true nor false.

use swit::prelude::*;

struct Orders;

impl Orders {
    async fn ping(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[provider(health(check = Orders::ping, critical = "no"))]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
