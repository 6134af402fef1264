//! A plain function.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    Outcome::success()
}

fn main() {}
