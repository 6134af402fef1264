//! It publishes the event that it names.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.paid")]
struct OrderPaid;

#[publisher(event = OrderCreated, transactional)]
pub struct OrderCreatedPublisher;

async fn pay(publisher: Publisher<OrderCreatedPublisher>, tx: &mut Tx) -> Result<(), PublishError> {
    publisher.publish_in(tx, &OrderPaid).await?;
    Ok(())
}

fn main() {}
