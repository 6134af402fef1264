//! A return type without a name.

use swit::prelude::*;

struct Orders;

#[provider]
async fn open() -> Result<impl Send, std::io::Error> {
    Ok(Orders)
}

fn main() {}
