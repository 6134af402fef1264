//! A message that can't be passed on.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn sign(message: Message, next: PublishNext<'_>) -> Result<MessageId, PublishError> {
    Err(PublishError::Closed)
}

fn main() {}
