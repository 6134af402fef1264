//! What is not sampled makes no span, and is handed on as what it is.

use opentelemetry::{Context as OtelContext, trace::TraceContextExt as _};
use serde::{Deserialize, Serialize};
use swit::{App, Event, Headers, Message, Publisher, State, subscriber, testing::TestApp};

use super::Seen;
use crate::support::{Journal, Task, task};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "task.told", version = 1)]
struct Told {
    text: String,
}

#[subscriber(topic = "task.created")]
async fn tells(
    task: Task,
    publisher: Publisher,
    headers: Headers,
    journal: State<Journal>,
) -> Result<(), swit::PublishError> {
    let here = OtelContext::current();
    let span = here.span();
    journal.note(headers.get_str("traceparent").unwrap_or_default());
    journal.note(format!("{} {}", span.span_context().trace_id(), span.span_context().is_sampled()));
    publisher.publish(&Told { text: task.text }).await?;
    Ok(())
}

#[subscriber(topic = "task.told")]
async fn is_told(_told: Told, headers: Headers, journal: State<Journal>) {
    journal.note(headers.get_str("traceparent").unwrap_or_default());
    journal.note(headers.get_str("tracestate").unwrap_or_default());
}

#[tokio::test(start_paused = true)]
async fn the_decision_is_made_once_where_a_trace_begins() {
    let (seen, journal) = (Seen::default(), Journal::default());
    let app = App::only::<(tells, is_told)>().provide(journal.clone()).set("telemetry.sample", 0.0);
    let app = TestApp::start(seen.by(app)).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    assert!(seen.all().is_empty(), "{:?}", seen.all());
    let [first, current, second, state] = journal.lines().try_into().unwrap();
    assert!(first.starts_with("00-") && first.ends_with("-00"), "{first}");
    assert_eq!(current, format!("{} false", &first[3..35]));
    assert_eq!(second[..36], first[..36]);
    assert!(second.ends_with("-00") && state.is_empty());
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_another_service_decided_stands() {
    for (flags, spans) in [("00", 0), ("01", 5)] {
        let (seen, journal) = (Seen::default(), Journal::default());
        let sample = if flags == "00" { 1.0 } else { 0.0 };
        let app = App::only::<(tells, is_told)>().provide(journal.clone()).set("telemetry.sample", sample);
        let app = TestApp::start(seen.by(app)).await.unwrap();
        let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        let message = Message::new("task.created", r#"{"key":"k","text":"a"}"#)
            .with_content_type("application/json")
            .with_header("traceparent", parent)
            .with_header("tracestate", "a=b");
        app.publish_to("task.created", message).await.unwrap();
        app.wait_quiet().await;
        // Two publications, two attempts; the fifth would be somebody's mistake.
        assert_eq!(seen.all().len(), if spans == 0 { 0 } else { 4 }, "{:?}", seen.all());
        let lines = journal.lines();
        assert!(lines[2].starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && lines[2].ends_with(flags), "{lines:?}");
        assert_eq!(lines[3], "a=b");
        app.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn baggage_alone_does_not_lose_the_decision() {
    let (seen, journal) = (Seen::default(), Journal::default());
    let app = App::only::<(tells, is_told)>().provide(journal.clone()).set("telemetry.sample", 0.0);
    let app = TestApp::start(seen.by(app)).await.unwrap();
    let message = Message::new("task.created", r#"{"key":"k","text":"a"}"#)
        .with_content_type("application/json")
        .with_header("baggage", "tenant=a");
    app.publish_to("task.created", message.clone()).await.unwrap();
    app.wait_quiet().await;
    // Past every publisher: as from somebody who has baggage and no trace.
    let port = app.running().scope().publisher("default").unwrap().clone();
    let foreign = message.with_id(swit::MessageId::parse("17").unwrap());
    port.publish(swit::transport::Publication::new(foreign)).await.unwrap();
    app.wait_quiet().await;
    assert!(seen.all().is_empty(), "{:?}", seen.all());
    let lines = journal.lines();
    let [_, current, told, _, _, foreign, told_of_foreign, _] = lines.as_slice() else { panic!("{lines:?}") };
    for (current, told) in [(current, told), (foreign, told_of_foreign)] {
        assert!(told.starts_with("00-") && told.ends_with("-00"), "{lines:?}");
        // What the handler opens itself is in the same trace, and as little recorded.
        assert_eq!(*current, format!("{} false", &told[3..35]));
    }
    let told = app.published_to("task.told");
    assert!(told.len() == 2 && told.iter().all(|message| message.headers.get_str("baggage") == Some("tenant=a")));
    app.shutdown().await.unwrap();
}
