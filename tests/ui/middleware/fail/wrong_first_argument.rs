//! A first argument that is not the context.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Message, next: Next<'_>) -> Outcome {
    Outcome::success()
}

fn main() {}
