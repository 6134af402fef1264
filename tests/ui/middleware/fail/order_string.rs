//! An order in quotation marks.

#![allow(unused)]

use swit::prelude::*;

#[middleware(order = "first")]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn main() {}
