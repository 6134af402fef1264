//! A function that decides nothing.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Context, next: Next<'_>) {
    next.run(cx).await;
}

fn main() {}
