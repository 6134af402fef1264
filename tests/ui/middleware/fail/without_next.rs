//! A function that takes only the context.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Context) -> Outcome {
    Outcome::success()
}

fn main() {}
