//! An argument that is no extractor.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Context, next: Next<'_>, clock: std::time::Instant) -> Outcome {
    next.run(cx).await
}

fn main() {}
