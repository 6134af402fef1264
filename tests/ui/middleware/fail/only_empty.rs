//! A selection of nobody.

#![allow(unused)]

use swit::prelude::*;

#[middleware(only = [])]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {}
