//! An order beyond its type.

#![allow(unused)]

use swit::prelude::*;

#[middleware(order = 3000000000)]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {}
