//! A batch is one attempt, linked to each of its messages.

use serde::{Deserialize, Serialize};
use swit::{App, Batch, Event, Publisher, subscriber, testing::TestApp};

use super::{Seen, assert_child, attribute, links};
use crate::support::{Task, task};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "task.counted", version = 1, unrouted = "ignore")]
struct Counted {
    text: String,
}

#[subscriber(topic = "task.created", batch(max = 3, within = "1s"))]
async fn counts(tasks: Batch<Task>, publisher: Publisher) -> Result<(), swit::PublishError> {
    for task in &tasks {
        publisher.under(task).publish(&Counted { text: task.text.clone() }).await?;
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_message_goes_on_in_its_own_trace() {
    let seen = Seen::default();
    let app = TestApp::start(seen.by(App::only::<(counts,)>().service("shop", "1.2.3"))).await.unwrap();
    for text in ["a", "b", "c"] {
        app.publish(&task(text)).await.unwrap();
    }
    app.wait_quiet().await;
    let (sent, process) = (seen.named("send task.created"), seen.one("process shop.counts"));
    assert_eq!(links(&process), sent.iter().map(|span| span.span_context.span_id()).collect::<Vec<_>>());
    assert_eq!(attribute(&process, "messaging.batch.message_count").as_deref(), Some("3"));
    assert!(sent.iter().all(|span| span.span_context.trace_id() != process.span_context.trace_id()));
    let counted = seen.named("send task.counted");
    assert_eq!(counted.len(), 3);
    for (counted, sent) in counted.iter().zip(&sent) {
        assert_child(counted, sent);
        assert_eq!(links(counted), [process.span_context.span_id()]);
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_what_is_recorded_is_recorded() {
    let seen = Seen::default();
    // Nothing that begins here would be.
    let app = App::only::<(counts,)>().service("shop", "1.2.3").set("telemetry.sample", 0.0);
    let app = TestApp::start(seen.by(app)).await.unwrap();
    let message = swit::Message::new("task.created", r#"{"key":"k","text":"a"}"#)
        .with_content_type("application/json")
        .with_header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    app.publish_to("task.created", message).await.unwrap();
    app.publish(&task("b")).await.unwrap();
    app.wait_quiet().await;
    let (sent, process) = (seen.one("send task.created"), seen.one("process shop.counts"));
    assert_eq!(links(&process), [sent.span_context.span_id()]);
    assert_eq!(seen.named("send task.counted").len(), 1);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", batch(max = 200, within = "1s"))]
async fn takes_many(tasks: Batch<Task>) {
    assert!(!tasks.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_large_batch_is_linked_to_each_of_its_messages() {
    let seen = Seen::default();
    let app = TestApp::start(seen.by(App::only::<(takes_many,)>().service("shop", "1.2.3"))).await.unwrap();
    for _ in 0..200 {
        app.publish(&task("a")).await.unwrap();
    }
    app.wait_quiet().await;
    let (sent, process) = (seen.named("send task.created"), seen.one("process shop.takes-many"));
    assert_eq!(links(&process), sent.iter().map(|span| span.span_context.span_id()).collect::<Vec<_>>());
    assert_eq!(links(&process).len(), 200);
    app.shutdown().await.unwrap();
}
