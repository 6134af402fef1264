//! A `close` that is a closure.

use swit::prelude::*;

struct Orders;

#[provider(close = |pool| pool.close())]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
