//! The publishing side has no context.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn sign(cx: &mut Context, next: PublishNext<'_>) -> Result<MessageId, PublishError> {
    Err(PublishError::Closed)
}

fn main() {}
