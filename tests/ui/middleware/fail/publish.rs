//! A side that is not there yet.

#![allow(unused)]

use swit::prelude::*;

#[middleware(publish)]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {}
