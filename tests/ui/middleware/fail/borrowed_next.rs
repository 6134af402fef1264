//! A chain that is only borrowed.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Context, next: &Next<'_>) -> Outcome {
    Outcome::success()
}

fn main() {}
