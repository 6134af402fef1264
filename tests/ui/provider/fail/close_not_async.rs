//! A `close` that is not async.

use swit::prelude::*;

struct Orders;

fn shut(_: &Orders) {}

#[provider(close = shut)]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
