//! `composite!` and `#[event_handler]`: every key arrives, owners are what their paths and names say, and handlers stay
//! functions.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    __private::{
        AckMode, Composite, DeadLetter, EventHandler, EventHandlerRef, Group, Handler, Order, Owner, Strategy,
        SubscriberSpec, inventory,
    },
    Backoff, Class, Classify, Context, ErrorAction, Event, FailureKind, Next, Outcome, Publish, State, event_handler,
    middleware,
};
use swit_runtime::codec::Codec;

use crate::{context, scope};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "parcel.sent")]
struct ParcelSent {
    id: u64,
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "parcel.counted")]
struct ParcelCounted {
    by: u64,
}

#[derive(Debug, thiserror::Error, Classify)]
#[error("lost")]
#[class(permanent)]
struct Lost;

#[middleware(global = false)]
async fn stands_around(cx: &mut Context, next: Next<'_>) -> Outcome {
    next.run(cx).await
}

swit::composite!(
    everything_sent,
    strategy = best_effort,
    name = "parcels.all",
    topics = ["parcel.sent", "parcel.*"],
    event = "ParcelSent",
    group = "billing",
    concurrency = 10,
    prefetch = 100,
    order_by = header("x-tenant"),
    ack = "auto",
    timeout = "1m30s",
    retries = 5,
    backoff = fixed("2s"),
    dead_letter = "billing.lost",
    middleware = [stands_around],
    enabled = false,
    codec = "json",
    transport = "main",
);

swit::composite!(nothing_sent, strategy = sequential);

async fn decide(_: &Context, _: &Lost) -> ErrorAction {
    ErrorAction::DeadLetter("lost for good".into())
}

#[event_handler(composite = everything_sent, order = -3, name = "the-first", on_error = decide)]
async fn loses(_by: State<u64>) -> Result<Publish<ParcelCounted>, Lost> {
    Err(Lost)
}

#[event_handler(composite = "parcels.all", order = 4, blocking)]
fn counts(by: State<u64>) -> Publish<ParcelCounted> {
    Publish(ParcelCounted { by: *by })
}

#[event_handler(composite = nothing_sent, order = 0)]
async fn reads(event: ParcelSent) {
    assert!(event.id > 0);
}

#[test]
fn every_key_arrives() {
    let found = everything_sent::REGISTRATION;
    assert_eq!((found.name, found.function), ("parcels.all", "everything_sent"));
    assert_eq!((found.location.module, found.location.file), (module_path!(), file!()));
    assert_eq!(found.middleware.iter().map(|item| item.name).collect::<Vec<_>>(), ["stands-around"]);
    let expected = SubscriberSpec {
        topics: &["parcel.sent", "parcel.*"],
        event: Some("ParcelSent"),
        group: Group::Named("billing"),
        concurrency: 10,
        prefetch: Some(100),
        order: Order::Header("x-tenant"),
        ack: AckMode::Auto,
        timeout: Duration::from_secs(90),
        retries: Some(5),
        backoff: Some(Backoff::fixed(Duration::from_secs(2))),
        dead_letter: DeadLetter::Queue("billing.lost"),
        enabled: false,
        codec: Some(Codec::Json),
        transport: "main",
        ..SubscriberSpec::DEFAULT
    };
    assert_eq!(found.spec, expected);
    let composite = found.composite.expect("it is one");
    assert_eq!(composite.strategy, Strategy::BestEffort);
    assert!(std::ptr::eq(composite, everything_sent::COMPOSITE) && std::ptr::eq(composite.subscriber, found));
}

#[test]
fn what_is_not_written_is_the_default() {
    let found = nothing_sent::REGISTRATION;
    assert_eq!((found.name, found.spec), ("nothing-sent", SubscriberSpec::DEFAULT));
    let strategies = [
        (nothing_sent::COMPOSITE.strategy, "sequential"),
        (Strategy::Parallel, "parallel"),
        (Strategy::FailFast, "fail_fast"),
        (everything_sent::COMPOSITE.strategy, "best_effort"),
    ];
    assert!(strategies.iter().all(|(strategy, text)| strategy.as_str() == *text));
}

#[test]
fn handlers_belong_to_the_composite_that_they_name() {
    let (first, second, other) = (loses::REGISTRATION, counts::REGISTRATION, reads::REGISTRATION);
    assert_eq!((first.name, first.function, first.order), ("the-first", "loses", -3));
    assert_eq!((second.name, second.function, second.order), ("counts", "counts", 4));
    assert!(matches!(first.owner, Owner::Path(_)) && matches!(second.owner, Owner::Name("parcels.all")));
    let belongs = |handler: &swit::__private::EventHandlerRegistration| {
        (handler.owner.is(everything_sent::COMPOSITE), handler.owner.is(nothing_sent::COMPOSITE))
    };
    assert_eq!([belongs(first), belongs(second), belongs(other)], [(true, false), (true, false), (false, true)]);
    let names: Vec<_> = inventory::iter::<EventHandlerRef>().map(|found| found.0.name).collect();
    assert!(["the-first", "counts", "reads"].iter().all(|name| names.contains(name)), "{names:?}");
}

#[test]
fn a_composite_reads_returns_and_requires_what_its_handlers_do() {
    let registration = everything_sent::REGISTRATION;
    let (mut events, mut emits, mut requires) = (Vec::new(), Vec::new(), swit::__private::Requirements::new());
    (registration.events)(&mut events);
    (registration.emits)(&mut emits);
    (registration.requires)(&mut requires);
    assert_eq!((events.len(), requires.states().len()), (0, 1));
    assert_eq!(emits.iter().map(|event| event.topic).collect::<Vec<_>>(), ["parcel.counted", "parcel.counted"]);
    let mut events = Vec::new();
    (nothing_sent::REGISTRATION.events)(&mut events);
    assert_eq!(events[0].topic, "parcel.sent");
}

async fn call<H: EventHandler>() -> (Context, Outcome) {
    let mut cx = context(scope([std::sync::Arc::new(3_u64) as _]));
    let outcome = (H::REGISTRATION.call)(&mut cx).await;
    (cx, outcome)
}

#[tokio::test]
async fn handlers_extract_call_and_classify_as_subscribers_do() {
    let (cx, outcome) = call::<counts>().await;
    assert!(outcome.is_success() && cx.emissions().len() == 1, "{outcome:?}");
    assert_eq!(cx.emissions()[0].message.payload, r#"{"by":3}"#);
    let Outcome::Failed(failure) = call::<loses>().await.1 else { panic!("it fails") };
    assert_eq!((failure.kind(), failure.class()), (FailureKind::Handler, Class::Permanent));
    assert_eq!(failure.action(), &ErrorAction::DeadLetter("lost for good".into()));
    let Outcome::Failed(failure) = call::<reads>().await.1 else { panic!("the payload is empty") };
    assert_eq!(failure.kind(), FailureKind::Decode);
    // Still a function.
    reads(ParcelSent { id: 1 }).await;
}
