//! An argument that settles.

#![allow(unused)]

use swit::prelude::*;

struct Ack;

impl swit::FromDelivery for Ack {
    type Rejection = std::convert::Infallible;
    const SETTLES: bool = true;

    async fn from_delivery(_: &mut Context) -> Result<Self, Self::Rejection> {
        Ok(Self)
    }
}

#[middleware]
async fn audit(cx: &mut Context, next: Next<'_>, ack: Ack) -> Outcome {
    next.run(cx).await
}

fn main() {}
