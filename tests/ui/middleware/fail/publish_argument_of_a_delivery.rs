//! An argument that needs a delivery.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn sign(message: &mut Message, next: PublishNext<'_>, meta: Metadata) -> Result<MessageId, PublishError> {
    next.run(message).await
}

fn main() {}
