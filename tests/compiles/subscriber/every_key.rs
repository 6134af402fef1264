//! Every key that there is, and each value of it.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[derive(Debug, thiserror::Error, Classify)]
enum OrderError {
    #[error("unreachable")]
    #[class(transient)]
    Unreachable,
}

struct Ack;

impl swit::FromDelivery for Ack {
    type Rejection = std::convert::Infallible;
    const SETTLES: bool = true;

    async fn from_delivery(_: &mut Context) -> Result<Self, Self::Rejection> {
        Ok(Self)
    }
}

mod audits {
    use swit::prelude::*;

    #[middleware(global = false)]
    pub async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
        next.run(cx).await
    }
}

mod policies {
    use swit::{ErrorClassifier, prelude::*};

    pub fn rules() -> ErrorClassifier {
        ErrorClassifier::empty()
    }

    pub fn check(order: &super::OrderCreated) -> Result<(), &'static str> {
        if order.id == 0 { Err("it has no id") } else { Ok(()) }
    }

    pub async fn decide(_: &Context, error: &super::OrderError) -> ErrorAction {
        match error {
            super::OrderError::Unreachable => ErrorAction::Retry,
        }
    }
}

#[subscriber(
    name = "orders.all",
    topics = ["order.created", "order.*", "#"],
    event = "OrderCreated",
    group = "billing",
    concurrency = 10,
    prefetch = 100,
    order_by = key,
    ack = "auto",
    timeout = "1m30s",
    retries = 5,
    backoff = exponential("1s", max = "30s", factor = 2.5, jitter = 0),
    dead_letter = "billing.dead",
    middleware = [audits::audit],
    on_error = policies::decide,
    classifier = policies::rules,
    validate = policies::check,
    enabled = false,
    codec = "json",
    transport = "main",
    crate = ::swit,
)]
async fn all(_order: OrderCreated) -> Result<(), OrderError> {
    Err(OrderError::Unreachable)
}

#[subscriber(ordered, group = per_instance, backoff = none, dead_letter = false, ack = "manual")]
async fn by_hand(_order: OrderCreated, _ack: Ack) {}

#[subscriber(queue = "legacy.orders", order_by = header("x-tenant"), backoff = linear("1s"))]
async fn legacy(_order: Json<u8>) {}

#[subscriber(topic = "numbers", validate = schema)]
async fn numbers(_number: Json<u8>) {}

#[subscriber(topic = "numbers", validate = self::schema)]
async fn even_numbers(_number: Json<u8>) {}

fn schema(number: &u8) -> Result<(), String> {
    if number % 2 == 0 { Ok(()) } else { Err(format!("{number} is odd")) }
}

#[subscriber(topic = "logs.#", ack = "none", crate = swit)]
async fn logs(_meta: Metadata) {}
