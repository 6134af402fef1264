//! `#[subscriber]`: every key arrives in the registration.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    __private::{AckMode, DeadLetter, Group, Handler, LinkedCrates, Order, SubscriberRef, SubscriberSpec, inventory},
    Backoff, Context, ErrorAction, Event, FromDelivery, Json, Next, Outcome, middleware, subscriber,
};
use swit_runtime::{
    codec::Codec,
    registry::{BatchSpec, Breaker, BreakerSpec, RateLimit},
};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "order.created")]
struct OrderCreated {
    id: u64,
}

struct Ack;

impl FromDelivery for Ack {
    type Rejection = std::convert::Infallible;
    const SETTLES: bool = true;

    async fn from_delivery(_: &mut Context) -> Result<Self, Self::Rejection> {
        Ok(Self)
    }
}

#[middleware(global = false)]
async fn outer(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

#[middleware(global = false)]
async fn inner(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

async fn decide(_: &Context, _: &std::io::Error) -> ErrorAction {
    ErrorAction::Retry
}

#[subscriber(
    name = "orders.all", topics = ["order.created", "order.*"], event = "OrderCreated", group = "billing",
    concurrency = 10, prefetch = 100, order_by = header("x-tenant"), ack = "auto", timeout = "1m30s", retries = 5,
    backoff = exponential("1s", max = "10s", factor = 2.5, jitter = 0), dead_letter = "billing.dead",
    middleware = [outer, self::inner], on_error = decide, enabled = false, codec = "json", transport = "main",
    circuit_breaker(failures = 7, reset = "3s", name = "bank"), rate_limit(per_second = 5, burst = 2),
)]
async fn everything(order: OrderCreated) -> std::io::Result<()> {
    assert!(order.id > 0);
    Ok(())
}

#[subscriber]
async fn nothing(_order: OrderCreated) {}

#[subscriber(queue = "legacy", ordered, group = per_instance, ack = "manual", backoff = none, dead_letter = false)]
async fn by_hand(_order: Json<u8>, _ack: Ack) {}

#[subscriber(topic = "numbers", validate = schema)]
async fn by_a_schema(_number: Json<u8>) {}

#[subscriber(batch(max = 100, within = "250ms"), concurrency = 2)]
async fn together(_orders: swit::Batch<OrderCreated>) {}

#[test]
fn a_batch_reads_the_events_that_it_is_of() {
    let found = together::REGISTRATION;
    let batch = BatchSpec { max: Some(100), within: Some(Duration::from_millis(250)) };
    assert_eq!(found.spec, SubscriberSpec { batch: Some(batch), concurrency: 2, ..SubscriberSpec::DEFAULT });
    let mut events = Vec::new();
    (found.events)(&mut events);
    assert_eq!(events.iter().map(|event| event.topic).collect::<Vec<_>>(), ["order.created"]);
    assert_eq!(found.spec.keys().prefetch(), 400);
}

#[test]
fn a_schema_is_made_once_and_is_the_subscribers() {
    let schema = by_a_schema::REGISTRATION.spec.schema.unwrap();
    assert!(format!("{schema:?}").contains("made: false"));
    schema.make().unwrap();
    assert!(format!("{schema:?}").contains("made: true"));
    assert_eq!(everything::REGISTRATION.spec.schema, None);
}

#[test]
fn every_key_arrives() {
    let found = everything::REGISTRATION;
    assert_eq!((found.name, found.function), ("orders.all", "everything"));
    assert_eq!((found.location.module, found.location.file), (module_path!(), file!()));
    let middleware: Vec<_> = found.middleware.iter().map(|item| item.name).collect();
    assert_eq!(middleware, ["outer", "inner"]);
    let expected = SubscriberSpec {
        topics: &["order.created", "order.*"],
        event: Some("OrderCreated"),
        queue: None,
        group: Group::Named("billing"),
        concurrency: 10,
        prefetch: Some(100),
        order: Order::Header("x-tenant"),
        ack: AckMode::Auto,
        timeout: Duration::from_secs(90),
        retries: Some(5),
        backoff: Some(Backoff::Exponential {
            first: Duration::from_secs(1),
            max: Duration::from_secs(10),
            factor: 2.5,
            jitter: swit::Jitter::NONE,
        }),
        dead_letter: DeadLetter::Queue("billing.dead"),
        enabled: false,
        codec: Some(Codec::Json),
        transport: "main",
        classifier: None,
        circuit_breaker: Some(BreakerSpec {
            numbers: Breaker { failures: Some(7), reset: Some(Duration::from_secs(3)), ..Breaker::default() },
            name: Some("bank"),
        }),
        rate_limit: Some(RateLimit { per_second: Some(5), burst: Some(2) }),
        schema: None,
        batch: None,
        inbox: false,
    };
    assert_eq!(found.spec, expected);
}

#[test]
fn what_is_not_written_is_the_default() {
    assert_eq!(nothing::REGISTRATION.spec, SubscriberSpec::DEFAULT);
    assert_eq!(nothing::REGISTRATION.name, "nothing");
}

#[test]
fn the_other_words() {
    let spec = by_hand::REGISTRATION.spec;
    assert_eq!((spec.queue, spec.group, spec.order), (Some("legacy"), Group::PerInstance, Order::Subscription));
    assert_eq!((spec.ack, spec.backoff, spec.dead_letter), (AckMode::Manual, Some(Backoff::None), DeadLetter::Discard));
}

#[test]
fn all_are_found_and_the_package_is_known() {
    let names: Vec<_> = inventory::iter::<SubscriberRef>().map(|found| found.0.name).collect();
    for name in ["orders.all", "nothing", "by-hand"] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let linked: Vec<_> = inventory::iter::<LinkedCrates>().collect();
    assert_eq!((linked.len(), linked[0].package, linked[0].crates.len()), (1, "swit", 0));
}
