//! A state that threads can't share.

use swit::prelude::*;

struct Orders;

#[provider]
async fn open() -> Result<std::cell::Cell<u8>, std::io::Error> {
    Ok(std::cell::Cell::new(1))
}

fn main() {}
