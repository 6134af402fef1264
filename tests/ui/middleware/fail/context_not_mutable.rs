//! A context that can't be passed on.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &Context, next: Next<'_>) -> Outcome {
    Outcome::success()
}

fn main() {}
