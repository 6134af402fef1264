//! A `close` whose answer says nothing.

use swit::prelude::*;

struct Orders;

async fn shut(_: &Orders) -> u8 {
    1
}

#[provider(close = shut)]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
