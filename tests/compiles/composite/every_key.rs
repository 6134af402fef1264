//! Every key that there is, in items of every visibility, and handlers that name composites every way they can.

use serde::{Deserialize, Serialize};
use swit::prelude::*;

#[derive(Serialize, Deserialize, Event)]
#[event(topic = "order.created", key = id)]
struct OrderCreated {
    id: u64,
}

#[middleware(global = false)]
async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

fn rules() -> swit::ErrorClassifier {
    swit::ErrorClassifier::empty()
}

swit::composite!(
    /// What is done for each order.
    #[cfg(not(any()))]
    pub all_orders,
    strategy = best_effort,
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
    dead_letter = "orders.dead",
    middleware = [audit],
    enabled = true,
    codec = "json",
    transport = "default",
    classifier = rules,
    crate = ::swit,
);

swit::composite!(
    #[cfg(any())]
    pub not_there,
    strategy = sequential
);

mod inner {
    use super::OrderCreated;

    swit::composite!(pub(super) orders, strategy = fail_fast, queue = "existing", ordered, dead_letter = false);

    swit::composite!(private, strategy = parallel);

    #[swit::event_handler(composite = private, order = -5)]
    pub(super) async fn in_private(_order: OrderCreated) {}

    /// Of this crate, by its whole path.
    #[swit::event_handler(composite = crate::composite::every_key::all_orders, order = 30, crate = swit)]
    pub async fn by_whole_path(_order: OrderCreated) {}
}

#[derive(Debug, thiserror::Error)]
#[error("no")]
struct Never;

async fn decide(_: &Context, _: &Never) -> ErrorAction {
    ErrorAction::Discard
}

#[event_handler(composite = self::all_orders, order = 10, name = "the-first", on_error = decide)]
async fn first(_order: OrderCreated, _meta: Metadata, _headers: Headers) -> Result<Publish<OrderCreated>, Never> {
    Err(Never)
}

#[event_handler(composite = "orders.all", order = 20, blocking)]
fn second(_order: OrderCreated) -> Outcome {
    Outcome::success()
}

#[event_handler(composite = inner::orders, order = 0)]
async fn of_a_queue(_order: Option<Extension<u8>>, _bytes: Result<Json<u8>, swit::DecodeError>) {}

swit::composite!(r#type, strategy = sequential);

#[event_handler(composite = r#type, order = 1)]
async fn r#match(_order: OrderCreated) {}

#[test]
fn works() {
    let _ = (first, second, of_a_queue, inner::by_whole_path, inner::in_private, r#match);
    let _ = swit::App::only::<(all_orders, inner::orders, r#type)>();
}
