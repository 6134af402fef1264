//! Each event handler of a composite is a part of the attempt, and has a span of its own.

use opentelemetry::trace::{SpanKind, Status};
use serde::{Deserialize, Serialize};
use swit::{App, Event, Publish, event_handler, testing::TestApp};

use super::{Seen, assert_child, assert_kind, attribute};
use crate::support::{Task, task};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "task.parted", version = 1, unrouted = "ignore")]
struct Parted {
    text: String,
}

swit::composite!(parts, strategy = parallel, topic = "task.created", retries = 1, backoff = fixed("100ms"));

#[event_handler(composite = parts, order = 1, name = "publishes")]
async fn part_publishes(task: Task) -> Publish<Parted> {
    tokio::task::yield_now().await;
    Publish(Parted { text: task.text })
}

#[event_handler(composite = parts, order = 2, name = "falls")]
async fn part_falls(task: Task) {
    tokio::task::yield_now().await;
    assert!(task.text != "panic", "it fell over");
}

#[tokio::test(start_paused = true)]
async fn each_handler_is_a_span_within_the_attempt() {
    let seen = Seen::default();
    let app = TestApp::start(seen.by(App::only::<(parts,)>().service("shop", "1.2.3"))).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    let (process, publishes, falls) =
        (seen.one("process shop.parts"), seen.one("handle publishes"), seen.one("handle falls"));
    for part in [&publishes, &falls] {
        assert_child(part, &process);
        assert_kind(part, &SpanKind::Internal);
        assert_eq!(part.status, Status::Unset);
        assert_eq!(attribute(part, "swit.subscriber").as_deref(), Some("parts"));
    }
    assert_eq!(attribute(&falls, "swit.handler").as_deref(), Some("falls"));
    // What it returned is published under it, and is a part of it.
    let sent = seen.one("send task.parted");
    assert_child(&sent, &publishes);
    assert!(publishes.end_time >= sent.end_time);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_fails_says_so_and_who_is_done_is_not_run_again() {
    let seen = Seen::default();
    let app = TestApp::start(seen.by(App::only::<(parts,)>().service("shop", "1.2.3"))).await.unwrap();
    app.publish(&task("panic")).await.unwrap();
    app.wait_quiet().await;
    let (attempts, falls) = (seen.named("process shop.parts"), seen.named("handle falls"));
    assert_eq!((attempts.len(), falls.len(), seen.named("handle publishes").len()), (2, 2, 1));
    for (part, attempt) in falls.iter().zip(&attempts) {
        assert_child(part, attempt);
        assert_eq!(attribute(part, "error.type").as_deref(), Some("panic"));
        assert!(matches!(&part.status, Status::Error { description } if description.contains("it fell over")));
    }
    app.shutdown().await.unwrap();
}

swit::composite!(hasty, strategy = fail_fast, topic = "task.created", retries = 0);

#[event_handler(composite = hasty, order = 1, name = "dawdles")]
async fn hasty_dawdles(_task: Task) {
    std::future::pending::<()>().await;
}

#[event_handler(composite = hasty, order = 2, name = "gives-up")]
async fn hasty_gives_up(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("no"))
}

#[tokio::test(start_paused = true)]
async fn who_is_cancelled_says_so() {
    let seen = Seen::default();
    let app = TestApp::start(seen.by(App::only::<(hasty,)>().service("shop", "1.2.3"))).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    let process = seen.one("process shop.hasty");
    for (name, error) in [("handle dawdles", "cancelled"), ("handle gives-up", "transient")] {
        let part = seen.one(name);
        assert_child(&part, &process);
        assert_eq!(attribute(&part, "error.type").as_deref(), Some(error));
    }
    app.shutdown().await.unwrap();
}

swit::composite!(in_order, strategy = sequential, topic = "task.created", timeout = "5s", retries = 0);

#[event_handler(composite = in_order, order = 1, name = "first")]
async fn in_order_first(_task: Task) {
    std::future::pending::<()>().await;
}

#[event_handler(composite = in_order, order = 2, name = "second")]
async fn in_order_second(_task: Task) {}

#[tokio::test(start_paused = true)]
async fn whose_turn_never_comes_has_none() {
    let seen = Seen::default();
    let app = TestApp::start(seen.by(App::only::<(in_order,)>().service("shop", "1.2.3"))).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(attribute(&seen.one("process shop.in-order"), "error.type").as_deref(), Some("timeout"));
    assert_eq!(attribute(&seen.one("handle first"), "error.type").as_deref(), Some("cancelled"));
    assert!(seen.named("handle second").is_empty());
    app.shutdown().await.unwrap();
}
