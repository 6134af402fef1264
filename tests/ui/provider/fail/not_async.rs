//! A plain function.

use swit::prelude::*;

struct Orders;

#[provider]
fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
