//! An argument that needs a delivery.

use swit::prelude::*;

struct Orders;

#[provider]
async fn open(_meta: Metadata) -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
