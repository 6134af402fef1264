//! An argument that reads the payload.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Context, next: Next<'_>, body: Json<u8>) -> Outcome {
    next.run(cx).await
}

fn main() {}
