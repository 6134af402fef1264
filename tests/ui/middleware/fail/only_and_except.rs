//! Two selections.

#![allow(unused)]

use swit::prelude::*;

#[middleware(only = ["a"], except = ["b"])]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {}
