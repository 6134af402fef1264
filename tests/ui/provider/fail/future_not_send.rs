//! A future that cannot move between threads.

use swit::prelude::*;

struct Orders;

#[provider]
async fn open() -> Result<Orders, std::io::Error> {
    let counter = std::rc::Rc::new(1);
    tick().await;
    drop(counter);
    Ok(Orders)
}

async fn tick() {}

fn main() {}
