//! What publishes in transactions alone does not publish around them.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[publisher(event = OrderCreated, transactional)]
pub struct OrderCreatedPublisher;

#[subscriber(topic = "order.created")]
async fn handle(order: OrderCreated, publisher: Publisher<OrderCreatedPublisher>) -> Result<(), PublishError> {
    publisher.publish(&order).await?;
    Ok(())
}

fn main() {}
