//! What is sampled: a span for each publication and each attempt, in one trace.

use opentelemetry::{
    Context as OtelContext,
    trace::{SpanId, SpanKind, Status, TraceContextExt as _},
};
use serde::{Deserialize, Serialize};
use swit::{App, Context, Event, Message, Publisher, State, subscriber, testing::TestApp};

use super::{Seen, assert_child, assert_kind, attribute};
use crate::support::{Journal, Task, task};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "task.noted", version = 1, unrouted = "ignore")]
struct Noted {
    text: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "task.done", version = 1, unrouted = "ignore")]
struct Done {
    text: String,
}

#[subscriber(topic = "task.created")]
async fn publishes(
    task: Task,
    publisher: Publisher,
    journal: State<Journal>,
) -> Result<swit::Publish<Done>, swit::PublishError> {
    let here = OtelContext::current();
    journal.note(here.span().span_context().span_id().to_string());
    tokio::task::yield_now().await;
    let there = OtelContext::current();
    assert_eq!(there.span().span_context(), here.span().span_context(), "also after it waited");
    publisher.publish(&Noted { text: task.text.clone() }).await?;
    Ok(swit::Publish(Done { text: task.text }))
}

#[tokio::test(start_paused = true)]
async fn what_is_published_and_handled_is_one_trace() {
    let (seen, journal) = (Seen::default(), Journal::default());
    let app = App::only::<(publishes,)>().provide(journal.clone()).service("shop", "1.2.3");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    let id = app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    let (sent, process) = (seen.one("send task.created"), seen.one("process shop.publishes"));
    let (noted, done) = (seen.one("send task.noted"), seen.one("send task.done"));
    assert_eq!(sent.parent_span_id, SpanId::INVALID);
    assert_child(&process, &sent);
    assert_child(&noted, &process);
    assert_child(&done, &process);
    assert_kind(&sent, &SpanKind::Producer);
    assert_kind(&process, &SpanKind::Consumer);
    assert_eq!(process.status, Status::Unset);
    // What the handler sees as current is its attempt.
    assert_eq!(journal.lines(), [process.span_context.span_id().to_string()]);
    for (span, key, value) in [
        (&sent, "messaging.system", "memory"),
        (&sent, "messaging.operation.name", "send"),
        (&sent, "messaging.operation.type", "send"),
        (&sent, "messaging.destination.name", "task.created"),
        (&sent, "messaging.message.id", &id.to_string()),
        (&process, "messaging.system", "memory"),
        (&process, "messaging.operation.name", "process"),
        (&process, "messaging.operation.type", "process"),
        (&process, "messaging.destination.name", "shop.publishes"),
        (&process, "messaging.consumer.group.name", "shop"),
        (&process, "messaging.message.id", &id.to_string()),
        (&process, "messaging.message.body.size", "22"),
        (&process, "swit.subscriber", "publishes"),
        (&process, "swit.topic", "task.created"),
        (&process, "swit.attempt", "1"),
        (&noted, "messaging.message.conversation_id", &id.to_string()),
    ] {
        assert_eq!(attribute(span, key).as_deref(), Some(value), "{key} of {}", span.name);
    }
    // The handlers of the next service find it.
    let published = app.published::<Noted>();
    assert_eq!(published.len(), 1);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created")]
async fn shows(cx: swit::Metadata, journal: State<Journal>) {
    journal.note(cx.id.to_string());
}

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test(start_paused = true)]
async fn a_trace_that_comes_in_goes_on() {
    let seen = Seen::default();
    let app = App::only::<(shows,)>().provide(Journal::default()).service("shop", "1.2.3");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    let message =
        Message::new("task.created", "{}").with_header("traceparent", PARENT).with_header("tracestate", "a=b");
    app.publish_to("task.created", message).await.unwrap();
    app.wait_quiet().await;
    let (sent, process) = (seen.one("send task.created"), seen.one("process shop.shows"));
    assert_eq!(sent.span_context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(sent.parent_span_id.to_string(), "00f067aa0ba902b7");
    assert_child(&process, &sent);
    assert_eq!(process.span_context.trace_state().header(), "a=b");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_begins_a_trace_and_fails_nothing() {
    let (seen, journal) = (Seen::default(), Journal::default());
    let app = App::only::<(shows,)>().provide(journal.clone()).service("shop", "1.2.3");
    let app = TestApp::start(seen.by(app)).await.unwrap();
    let messages = [
        Message::new("task.created", "{}").with_header("traceparent", "00-nonsense"),
        Message::new("task.created", "{}").with_header("traceparent", 7),
        Message::new("task.created", "{}")
            .with_header("traceparent", PARENT.to_uppercase())
            .with_header("baggage", ";;=,"),
        Message::new("task.created", "{}").with_header("traceparent", bytes::Bytes::from_static(PARENT.as_bytes())),
    ];
    for message in messages {
        app.publish_to("task.created", message).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines().len(), 4);
    let sent = seen.named("send task.created");
    assert_eq!(sent.len(), 4);
    for sent in sent {
        assert_eq!(sent.parent_span_id, SpanId::INVALID);
    }
    assert_eq!(seen.named("process shop.shows").len(), 4);
    app.shutdown().await.unwrap();
}

struct Baggage;

impl swit::Middleware for Baggage {
    fn handle<'a>(
        &'a self,
        cx: &'a mut Context,
        next: swit::Next<'a>,
    ) -> swit::transport::BoxFuture<'a, swit::Outcome> {
        use opentelemetry::baggage::BaggageExt as _;
        assert_eq!(OtelContext::current().baggage().get("tenant").map(ToString::to_string), Some("a".into()));
        Box::pin(next.run(cx))
    }
}

#[tokio::test(start_paused = true)]
async fn baggage_travels_with_it() {
    let (seen, journal) = (Seen::default(), Journal::default());
    let app = App::only::<(publishes,)>().provide(journal).service("shop", "1.2.3").middleware("sees", 0, Baggage);
    let app = TestApp::start(seen.by(app)).await.unwrap();
    let message = Message::new("task.created", r#"{"key":"k","text":"a"}"#)
        .with_content_type("application/json")
        .with_header("baggage", "tenant=a");
    app.publish_to("task.created", message).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(seen.one("process shop.publishes").status, Status::Unset);
    // On what the handler publishes, and on what it returns.
    for topic in ["task.noted", "task.done"] {
        let published = app.published_to(topic);
        assert_eq!(published.len(), 1);
        assert_eq!(published[0].headers.get_str("baggage"), Some("tenant=a"));
    }
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 0)]
async fn fails(task: Task) -> Result<(), std::io::Error> {
    assert!(task.text != "panic", "it fell over");
    Err(std::io::Error::other(format!("no\u{7}good{}", "!".repeat(3_000))))
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_says_why_briefly() {
    let seen = Seen::default();
    let app = TestApp::start(seen.by(App::only::<(fails,)>().service("shop", "1.2.3"))).await.unwrap();
    app.publish(&task("error")).await.unwrap();
    app.publish(&task("panic")).await.unwrap();
    app.wait_quiet().await;
    let spans = seen.named("process shop.fails");
    assert_eq!(spans.len(), 2);
    let described = |index: usize| match &spans[index].status {
        Status::Error { description } => description.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(described(0).starts_with("no\\u{7}good!"), "{}", described(0));
    assert!(described(0).len() <= 1_024);
    assert_eq!(attribute(&spans[0], "error.type").as_deref(), Some("transient"));
    assert!(described(1).contains("it fell over"));
    assert_eq!(attribute(&spans[1], "error.type").as_deref(), Some("panic"));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_publication_that_fails_says_why() {
    let seen = Seen::default();
    let app = TestApp::start(seen.by(App::only::<(fails,)>().service("shop", "1.2.3"))).await.unwrap();
    let message = Message::new("task.created", "{}").with_header("x-swit-own", 1);
    app.publish_to("task.created", message).await.unwrap_err();
    let sent = seen.one("send task.created");
    assert!(matches!(sent.status, Status::Error { .. }));
    assert_eq!(attribute(&sent, "error.type").as_deref(), Some("invalid"));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn baggage_that_is_attached_without_a_span_goes_along() {
    use opentelemetry::{KeyValue, baggage::BaggageExt as _};
    for sample in [1.0, 0.0] {
        let seen = Seen::default();
        let app = App::only::<(shows,)>().provide(Journal::default()).set("telemetry.sample", sample);
        let app = TestApp::start(seen.by(app)).await.unwrap();
        {
            let _attached = OtelContext::current_with_baggage([KeyValue::new("tenant", "a")]).attach();
            app.publish_to("task.created", Message::new("task.created", "{}")).await.unwrap();
        }
        let published = app.published_to("task.created");
        let headers = &published[0].headers;
        assert_eq!(headers.get_str("baggage"), Some("tenant=a"), "{headers:?}");
        let flags = if sample > 0.0 { "-01" } else { "-00" };
        assert!(headers.get_str("traceparent").unwrap().ends_with(flags), "{headers:?}");
        app.wait_quiet().await;
        app.shutdown().await.unwrap();
    }
}
