//! Retries, delays, dead letters and replays are in the trace of their message.

use opentelemetry::trace::{SpanId, SpanKind};
use swit::{App, Message, State, subscriber, testing::TestApp};

use super::{Seen, assert_child, assert_kind, attribute, links};
use crate::support::{Journal, Task, task};

#[subscriber(topic = "task.created", retries = 1, backoff = fixed("100ms"))]
async fn soon(task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(task.text);
    if journal.lines().len() < 2 { Err(std::io::Error::other("not now")) } else { Ok(()) }
}

#[subscriber(topic = "task.created", order_by = key, retries = 1, backoff = fixed("100ms"))]
async fn soon_in_order(task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(task.text);
    if journal.lines().len() < 2 { Err(std::io::Error::other("not now")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn each_attempt_is_a_span() {
    // Parked, and in place.
    for (app, queue) in [(App::only::<(soon,)>(), "shop.soon"), (App::only::<(soon_in_order,)>(), "shop.soon-in-order")]
    {
        let seen = Seen::default();
        let app = app.provide(Journal::default()).service("shop", "1.2.3");
        let app = TestApp::start(seen.by(app)).await.unwrap();
        app.publish(&task("a")).await.unwrap();
        app.wait_quiet().await;
        let (sent, attempts) = (seen.one("send task.created"), seen.named(&format!("process {queue}")));
        assert_eq!(attempts.len(), 2);
        for (attempt, number) in attempts.iter().zip(["1", "2"]) {
            assert_child(attempt, &sent);
            assert_eq!(attribute(attempt, "swit.attempt").as_deref(), Some(number));
            // Nothing was sent away, and what is beside it in the trace needs no link.
            assert_eq!(links(attempt), []);
        }
        assert_eq!(seen.all().len(), 3, "{:?}", seen.all());
        app.shutdown().await.unwrap();
    }
}

#[subscriber(topic = "task.created", retries = 2, backoff = fixed("60s"))]
async fn later(task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(task.text.clone());
    if task.text == "never" || journal.lines().len() < 3 { Err(std::io::Error::other("not now")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_delayed_redelivery_is_in_the_trace_and_linked_to_the_attempt_before() {
    let seen = Seen::default();
    let app = App::only::<(later,)>().provide(Journal::default()).service("shop", "1.2.3");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    let (sent, attempts) = (seen.one("send task.created"), seen.named("process shop.later"));
    let retries = seen.named("retry shop.later");
    assert_eq!((attempts.len(), retries.len()), (3, 2));
    for (attempt, number) in attempts.iter().zip(["1", "2", "3"]) {
        assert_child(attempt, &sent);
        assert_eq!(attribute(attempt, "swit.attempt").as_deref(), Some(number));
    }
    assert_eq!(links(&attempts[0]), []);
    for n in [0, 1] {
        assert_eq!(links(&attempts[n + 1]), [attempts[n].span_context.span_id()]);
        assert_child(&retries[n], &attempts[n]);
        assert_kind(&retries[n], &SpanKind::Client);
        assert_eq!(attribute(&retries[n], "messaging.operation.type").as_deref(), Some("settle"));
        assert_eq!(attribute(&retries[n], "messaging.operation.name").as_deref(), Some("retry"));
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_and_its_replay_are_in_the_trace() {
    let seen = Seen::default();
    let app = App::only::<(later,)>().provide(Journal::default()).service("shop", "1.2.3");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    app.publish(&task("never")).await.unwrap();
    app.wait_quiet().await;
    let (sent, attempts) = (seen.one("send task.created"), seen.named("process shop.later"));
    let died = seen.one("dead_letter shop.later");
    assert_child(&died, &attempts[2]);
    assert_eq!(app.dead_letters("later").len(), 1);
    let letters = app.running().dead_letters("default").unwrap();
    letters.replay("shop.later.dlq", &swit::dead_letters::Selection::all(), |_| {}).await.unwrap();
    app.wait_quiet().await;
    let replayed = seen.named("process shop.later").into_iter().nth(3).unwrap();
    assert_child(&replayed, &sent);
    assert_eq!(attribute(&replayed, "swit.attempt").as_deref(), Some("1"));
    assert_eq!(links(&replayed), [attempts[2].span_context.span_id()]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_came_without_a_trace_is_in_one_for_all_attempts() {
    let seen = Seen::default();
    let app = App::only::<(later,)>().provide(Journal::default()).service("shop", "1.2.3");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    // Past every publisher: as from somebody who traces nothing.
    let port = app.running().scope().publisher("default").unwrap().clone();
    let mut message = Message::new("task.created", r#"{"key":"k","text":"a"}"#).with_content_type("application/json");
    message.id = swit::MessageId::parse("17").unwrap();
    port.publish(swit::transport::Publication::new(message)).await.unwrap();
    app.wait_quiet().await;
    let attempts = seen.named("process shop.later");
    assert_eq!(attempts.len(), 3);
    for attempt in &attempts {
        assert_eq!(attempt.parent_span_id, SpanId::INVALID);
        assert_eq!(attempt.span_context.trace_id(), attempts[0].span_context.trace_id());
    }
    app.shutdown().await.unwrap();
}
