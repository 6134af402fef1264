//! The user's function stays callable, and its twin can be named.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

/// Doubles the id.
#[subscriber]
async fn double(order: OrderCreated) -> Publish<OrderCreated> {
    Publish(OrderCreated { id: order.id * 2 })
}

#[subscriber(blocking, topic = "order.created")]
fn triple(order: OrderCreated) -> Publish<OrderCreated> {
    Publish(OrderCreated { id: order.id * 3 })
}

fn name<H: swit::__private::Handler>() -> &'static str {
    H::REGISTRATION.name
}

#[tokio::test]
async fn works() {
    assert_eq!(double(OrderCreated { id: 2 }).await.0.id, 4);
    assert_eq!(triple(OrderCreated { id: 2 }).0.id, 6);
    assert_eq!((name::<double>(), name::<triple>()), ("double", "triple"));
}
