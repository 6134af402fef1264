//! The health of something else than what the provider builds.

use swit::prelude::*;

struct Orders;
struct Mail;

impl Mail {
    async fn health(&self) -> Result<(), std::io::Error> {
        Ok(())
    }
}

#[provider(health = Mail::health)]
async fn open() -> Result<Orders, std::io::Error> {
    Ok(Orders)
}

fn main() {}
