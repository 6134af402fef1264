//! A method.

#![allow(unused)]

use swit::prelude::*;

struct Audit;

impl Audit {
    #[middleware]
    async fn audit(&self, cx: &mut Context, next: Next<'_>) -> Outcome {
        next.run(cx).await
    }
}

fn main() {}
