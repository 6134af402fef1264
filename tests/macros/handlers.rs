//! `Handler::call` as it is generated: extraction, the call, what it returns, how its errors are classified.

use std::panic::AssertUnwindSafe;

use serde::{Deserialize, Serialize};
use swit::{
    __private::Handler, Class, Classify, Context, ErrorAction, Event, Extension, Failure, FailureKind, Metadata,
    Outcome, Publish, State, subscriber,
};

use crate::{context, scope};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "counted")]
struct Counted {
    by: u64,
}

#[derive(Debug, thiserror::Error, Classify)]
#[error("refused")]
#[class(permanent)]
struct Refused;

#[subscriber(topic = "calls")]
async fn publishes(by: State<u64>, meta: Metadata) -> Vec<Publish<Counted>> {
    vec![Publish(Counted { by: *by }), Publish(Counted { by: u64::from(meta.attempt) })]
}

#[subscriber(topic = "calls")]
async fn refuses(_meta: Metadata) -> Result<(), Refused> {
    Err(Refused)
}

#[subscriber(topic = "calls")]
async fn refuses_in_a_box(_meta: Metadata) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    Err(Refused.into())
}

#[subscriber(topic = "calls")]
async fn fails_unclassified(_meta: Metadata) -> std::io::Result<()> {
    Err(std::io::Error::other("disk"))
}

#[subscriber(topic = "calls", on_error = decide)]
async fn asks(_meta: Metadata) -> Result<(), Refused> {
    Err(Refused)
}

async fn decide(cx: &Context, error: &Refused) -> ErrorAction {
    assert_eq!((cx.attempt(), error.to_string()), (0, "refused".to_owned()));
    ErrorAction::DeadLetter("because".into())
}

#[subscriber(topic = "calls", on_error = panics)]
async fn asks_in_vain(_meta: Metadata) -> Result<(), Refused> {
    Err(Refused)
}

async fn panics(_: &Context, _: &Refused) -> ErrorAction {
    panic!("on purpose")
}

#[subscriber(topic = "calls", blocking)]
fn blocks(by: State<u64>) -> Publish<Counted> {
    std::thread::sleep(std::time::Duration::from_millis(1));
    Publish(Counted { by: *by })
}

#[subscriber(topic = "calls", blocking)]
fn blocks_and_panics(_meta: Metadata) {
    panic!("on purpose");
}

#[subscriber(topic = "calls")]
async fn takes_what_is_missing(_user: Extension<String>, _by: State<u64>) {
    unreachable!("its first argument is missing")
}

#[subscriber]
async fn decodes(_event: Counted) {
    unreachable!("the payload is empty")
}

async fn call<H: Handler>() -> (Context, Outcome) {
    let mut cx = context(scope([std::sync::Arc::new(3_u64) as _]));
    let outcome = H::call(&mut cx).await;
    (cx, outcome)
}

async fn failure<H: Handler>() -> Failure {
    match call::<H>().await.1 {
        Outcome::Failed(failure) => failure,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_returned_is_emitted_in_order() {
    let (cx, outcome) = call::<publishes>().await;
    assert!(outcome.is_success(), "{outcome:?}");
    let payloads: Vec<_> = cx.emissions().iter().map(|emission| emission.message.payload.clone()).collect();
    assert_eq!(payloads, [r#"{"by":3}"#, r#"{"by":0}"#]);
}

#[tokio::test]
async fn errors_are_classified_however_they_are_returned() {
    for failure in [failure::<refuses>().await, failure::<refuses_in_a_box>().await] {
        assert_eq!((failure.kind(), failure.class()), (FailureKind::Handler, Class::Permanent), "{failure}");
        assert_eq!(failure.action(), &ErrorAction::ByClass);
    }
    let unknown = failure::<fails_unclassified>().await;
    assert_eq!((unknown.classification(), unknown.text().as_str()), (None, "disk"));
}

#[tokio::test]
async fn on_error_decides() {
    let (mut cx, outcome) = call::<asks>().await;
    assert!(cx.take_pending().is_none(), "the failure is no longer pending");
    let Outcome::Failed(failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.action(), &ErrorAction::DeadLetter("because".into()));
    assert_eq!(failure.class(), Class::Permanent);
}

#[tokio::test]
async fn a_failure_is_pending_while_on_error_is_asked() {
    let mut cx = context(scope([]));
    let task = caught(asks_in_vain::call(&mut cx)).await;
    assert!(task.is_err(), "on_error panicked");
    let pending = cx.take_pending().expect("the failure is pending");
    assert_eq!((pending.class(), pending.text().as_str()), (Class::Permanent, "refused"));
}

#[tokio::test]
async fn blocking_handlers_run_and_their_panics_go_on() {
    let (cx, outcome) = call::<blocks>().await;
    assert!(outcome.is_success() && cx.emissions().len() == 1);
    let mut cx = context(scope([]));
    let panic = caught(blocks_and_panics::call(&mut cx)).await.expect_err("it panics");
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"on purpose"));
}

#[tokio::test]
async fn the_first_argument_that_is_missing_ends_the_attempt() {
    let missing = failure::<takes_what_is_missing>().await;
    assert_eq!(missing.kind(), FailureKind::Extract);
    let undecodable = failure::<decodes>().await;
    assert_eq!((undecodable.kind(), undecodable.class()), (FailureKind::Decode, Class::InvalidInput));
}

#[test]
fn requirements_of_all_arguments_are_known_beforehand() {
    let mut requirements = swit::__private::Requirements::new();
    (publishes::REGISTRATION.requires)(&mut requirements);
    assert_eq!(requirements.states().len(), 1);
    let (mut emits, mut events) = (Vec::new(), Vec::new());
    (publishes::REGISTRATION.emits)(&mut emits);
    (decodes::REGISTRATION.events)(&mut events);
    assert_eq!((emits[0].topic, events[0].topic), ("counted", "counted"));
}

/// Polls a future to its end, catching a panic of any poll.
async fn caught<F: Future>(future: F) -> std::thread::Result<F::Output> {
    let mut future = std::pin::pin!(future);
    std::future::poll_fn(move |cx| match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(poll) => poll.map(Ok),
        Err(panic) => std::task::Poll::Ready(Err(panic)),
    })
    .await
}
