//! The publishing side in a subscriber's list.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn sign(message: &mut Message, next: PublishNext<'_>) -> Result<MessageId, PublishError> {
    next.run(message).await
}

#[subscriber(topic = "a", middleware = [sign])]
async fn handle(meta: Metadata) {}

fn main() {}
