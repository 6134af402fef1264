//! A key that is nearly one.

#![allow(unused)]

use swit::prelude::*;

#[middleware(ordre = 3)]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {}
