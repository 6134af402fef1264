//! An argument that settles what is settled already.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Ack;

impl swit::FromDelivery for Ack {
    type Rejection = std::convert::Infallible;
    const SETTLES: bool = true;

    async fn from_delivery(_: &mut Context) -> Result<Self, Self::Rejection> {
        Ok(Self)
    }
}

#[subscriber(ack = "none")]
async fn handle(_order: OrderCreated, _ack: Ack) {}

fn main() {}
