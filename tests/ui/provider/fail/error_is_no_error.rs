//! An error that nobody can report.

use swit::prelude::*;

struct Orders;

#[provider]
async fn open() -> Result<Orders, u8> {
    Ok(Orders)
}

fn main() {}
