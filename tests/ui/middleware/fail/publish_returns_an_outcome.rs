//! The publishing side decides about no delivery.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn sign(message: &mut Message, next: PublishNext<'_>) -> Outcome {
    Outcome::success()
}

fn main() {}
