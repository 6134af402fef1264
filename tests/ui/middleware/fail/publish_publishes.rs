//! An argument that would run the middleware again.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn sign(message: &mut Message, next: PublishNext<'_>, publisher: Publisher) -> Result<MessageId, PublishError> {
    next.run(message).await
}

fn main() {}
