//! A `close` for another type.

use swit::prelude::*;

struct Orders;

async fn shut(_: &String) {}

#[provider(close = shut)]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
