//! Nobody lists the publishing side.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish, global = false)]
async fn sign(message: &mut Message, next: PublishNext<'_>) -> Result<MessageId, PublishError> {
    next.run(message).await
}

fn main() {}
