//! A second argument that is not the chain.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Context, next: Metadata) -> Outcome {
    Outcome::success()
}

fn main() {}
