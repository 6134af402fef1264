//! Arguments behind patterns, results and generic helper types.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

use swit::FromDelivery;

struct Page<T> {
    #[allow(dead_code)]
    of: T,
}

impl<T: FromDelivery> FromDelivery for Page<T> {
    type Rejection = T::Rejection;
    const EVENTS: &'static [swit::__private::EventDescriptor] = T::EVENTS;

    async fn from_delivery(cx: &mut Context) -> Result<Self, T::Rejection> {
        Ok(Self { of: T::from_delivery(cx).await? })
    }
}

type Shared = State<Vec<u8>>;

#[subscriber]
async fn patterns(OrderCreated { id }: OrderCreated, Extension(user): Extension<String>, mut shared: Option<Shared>) {
    let _ = (id, user, shared.take());
}

#[subscriber]
async fn results(order: Result<OrderCreated, <OrderCreated as FromDelivery>::Rejection>) {
    let _ = order.is_ok();
}

#[subscriber]
async fn pages(_: Page<OrderCreated>) {}
