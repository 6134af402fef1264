//! A future that can't move between threads.

use std::rc::Rc;

#[swit::health_check]
async fn database() -> Result<(), std::io::Error> {
    let held = Rc::new(1);
    std::future::ready(()).await;
    drop(held);
    Ok(())
}

fn main() {}
