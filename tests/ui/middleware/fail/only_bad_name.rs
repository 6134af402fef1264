//! A name that no subscriber can have.

#![allow(unused)]

use swit::prelude::*;

#[middleware(only = ["confirm order"])]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {}
