//! A publisher that is given another event than its own.

#![allow(unused)]

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
    customer: String,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.paid")]
struct OrderPaid {
    id: u64,
}

#[publisher(event = OrderCreated)]
pub struct OrderCreatedPublisher;

#[subscriber]
async fn pay(order: OrderCreated, publisher: Publisher<OrderCreatedPublisher>) -> Result<(), PublishError> {
    publisher.publish(&OrderPaid { id: order.id }).await?;
    Ok(())
}

fn main() {}
