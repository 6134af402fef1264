//! Nothing to pass on to.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn sign(message: &mut Message) -> Result<MessageId, PublishError> {
    Err(PublishError::Closed)
}

fn main() {}
