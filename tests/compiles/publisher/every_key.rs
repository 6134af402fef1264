//! Every key that there is, and each value of it.

#![deny(warnings)]

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.paid")]
struct OrderPaid(u64, String);

#[derive(Event)]
enum OrderEvent {
    Created(OrderCreated),
    Paid(OrderPaid),
}

#[publisher(
    event = OrderCreated,
    name = "orders.created",
    topic = "order.created",
    confirm = "1m30s",
    batch(messages = 500, bytes = "2MiB", every = "20ms"),
    compression = "snappy",
    async(capacity = 5_000),
    partition = key,
    unrouted = "error",
    transport = "main",
    crate = ::swit,
)]
struct Everything;

#[publisher(event = OrderCreated, batch, async, partition = id, unrouted = "warn")]
pub struct OrderCreatedPublisher;

/// With documentation, and at another place of the crate.
pub mod elsewhere {
    #[swit::publisher(event = super::OrderPaid, batch(bytes = 1024), partition = 1, unrouted = "ignore", crate = swit)]
    pub(crate) struct r#Paid;
}

#[publisher(event = OrderEvent, partition = key)]
struct OrderEventPublisher;

#[provider]
async fn open(_a: Publisher<Everything>, _b: Publisher) -> Result<u8, std::io::Error> {
    Ok(0)
}

#[middleware(global = false)]
async fn around(cx: &mut Context, next: Next<'_>, _paid: Publisher<elsewhere::Paid>) -> Outcome {
    next.run(cx).await
}

#[subscriber(middleware = [around])]
async fn ship(
    order: OrderCreated,
    created: Publisher<OrderCreatedPublisher>,
    either: Publisher<OrderEventPublisher>,
) -> Result<(), PublishError> {
    let clone = created.clone();
    clone.publish_with(&order).key("other").delay(Duration::from_secs(1)).send().await?;
    either.publish_all(&[OrderEvent::Paid(OrderPaid(1, "a".into())), OrderEvent::Created(order)]).await;
    created.flush().await;
    Ok(())
}
