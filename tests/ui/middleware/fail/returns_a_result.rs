//! A return type that is no outcome.

#![allow(unused)]

use swit::prelude::*;

#[middleware]
async fn audit(cx: &mut Context, next: Next<'_>) -> Result<Outcome, std::io::Error> {
    Ok(next.run(cx).await)
}

fn main() {}
