//! Topics are of the publishing side.

#![allow(unused)]

use swit::prelude::*;

#[middleware(topics = ["order.*"])]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {}
