//! A function with a type parameter.

use swit::prelude::*;

struct Orders;

#[provider]
async fn open<T: Send>() -> Result<T, std::io::Error> {
    todo!()
}

fn main() {}
