//! A future that cannot move between threads.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    let counter = std::rc::Rc::new(1);
    let outcome = next.run(cx).await;
    drop(counter);
    outcome
}

fn main() {}
