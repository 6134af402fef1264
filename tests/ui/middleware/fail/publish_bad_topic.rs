//! A pattern that is none.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish, topics = ["order..created"])]
async fn sign(message: &mut Message, next: PublishNext<'_>) -> Result<MessageId, PublishError> {
    next.run(message).await
}

fn main() {}
