//! A selection of what is listed by path.

#![allow(unused)]

use swit::prelude::*;

#[middleware(global = false, only = ["a"], order = 3)]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {}
