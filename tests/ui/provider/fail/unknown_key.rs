//! A key that is nearly one.

use swit::prelude::*;

struct Orders;

#[provider(clsoe = Orders::close)]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
