//! An argument that is borrowed.

use swit::prelude::*;

struct Orders;

#[provider]
async fn open(_config: &State<u8>) -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
