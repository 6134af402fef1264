//! What handlers return and publish: confirmed before the input is settled, under ids that repeat with a retry.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{App, Event, Message, Metadata, Publish, PublishError, Publisher, State, subscriber, testing::TestApp};
use tokio::time::Instant;

use crate::support::{Journal, Task, task};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "task.done", version = 1, unrouted = "ignore")]
struct Done {
    text: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "task.nowhere", version = 1, unrouted = "error")]
struct Nowhere {}

fn done(text: &str) -> Done {
    Done { text: text.into() }
}

#[subscriber(topic = "task.created", retries = 1, backoff = none)]
async fn returns_many(
    task: Task,
) -> Result<(Publish<Done>, Option<Publish<Done>>, Vec<Publish<Done>>), std::io::Error> {
    if task.text == "fail" {
        return Err(std::io::Error::other("nothing is published"));
    }
    Ok((Publish(done("a")), None, vec![Publish(done("b")), Publish(done("c"))]))
}

#[tokio::test(start_paused = true)]
async fn returned_events_are_published_in_order_with_cause_and_correlation() {
    let app = TestApp::start(App::only::<(returns_many,)>()).await.unwrap();
    let id = app.publish(&task("x")).await.unwrap();
    app.publish(&task("fail")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.published::<Done>(), [done("a"), done("b"), done("c")]);
    for message in app.published_to("task.done") {
        assert_eq!(message.causation_id, Some(id.clone()));
        assert_eq!(message.correlation_id.as_deref(), Some(id.to_string().as_str()));
        assert!(message.timestamp.is_some());
    }
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 2, backoff = none)]
async fn publishes_then_fails(_task: Task, publisher: Publisher, meta: Metadata) -> Result<(), swit::Error> {
    publisher.publish(&done("first")).await?;
    publisher.publish(&done("second")).await?;
    if meta.attempt < 3 { Err(swit::Error::Usage("again".into())) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_retried_handler_publishes_the_same_ids_again() {
    let app = TestApp::start(App::only::<(publishes_then_fails,)>()).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let ids: Vec<String> = app.published_to("task.done").iter().map(|message| message.id.to_string()).collect();
    assert_eq!(ids.len(), 6);
    assert_eq!(ids[..2], ids[2..4]);
    assert_eq!(ids[..2], ids[4..]);
    assert_ne!(ids[0], ids[1]);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 2, backoff = fixed("100ms"))]
async fn returns_what_goes_nowhere(_task: Task) -> Publish<Nowhere> {
    Publish(Nowhere {})
}

#[tokio::test(start_paused = true)]
async fn an_event_that_nobody_takes_fails_its_handler_where_it_says_so() {
    let app = TestApp::start(App::only::<(returns_what_goes_nowhere,)>()).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("returns-what-goes-nowhere");
    assert_eq!((dead[0].reason.as_str(), dead[0].attempts), ("max_retries_exceeded", 3));
    assert!(dead[0].error.contains("task.nowhere"), "{}", dead[0].error);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.#")]
async fn listens(message: bytes::Bytes, meta: Metadata, journal: State<Journal>) {
    journal.note(format!("{} {} {}", meta.topic, meta.key.as_deref().unwrap_or("-"), message.len()));
}

#[tokio::test(start_paused = true)]
async fn publishing_with_more_than_an_event() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(listens,)>().provide(journal.clone())).await.unwrap();
    let publisher = app.publisher();
    let began = Instant::now();
    publisher.publish_with(&done("x")).key("k").delay(Duration::from_secs(9)).header("h", 1).send().await.unwrap();
    app.wait_quiet().await;
    assert_eq!(began.elapsed().as_secs(), 9);
    let answers = publisher.publish_all(&[done("1"), done("22")]).await;
    assert!(answers.iter().all(Result::is_ok));
    publisher.publish_to("task.computed.topic", Message::new("", "raw")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["task.done k 12", "task.done - 12", "task.done - 13", "task.computed.topic - 3"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_published_says_why() {
    let app = TestApp::start(App::only::<(returns_many,)>()).await.unwrap();
    let publisher = app.publisher();
    let error = publisher.publish_to("a..b", Message::new("", "x")).await.unwrap_err();
    assert!(matches!(error, PublishError::Topic(_)), "{error}");
    for reserved in ["x-swit-topic", "CC", "BCC"] {
        let message = Message::new("", "x").with_header(reserved, "y");
        let error = publisher.publish_to("a.b", message).await.unwrap_err();
        assert!(matches!(&error, PublishError::ReservedHeader { name } if name == reserved), "{error}");
    }
    let error = publisher.publish_to("a.b", Message::new("", vec![0; 17 << 20])).await.unwrap_err();
    assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
    let error = publisher.publish_to("a.b", Message::new("", "x").with_key("k".repeat(65 << 10))).await.unwrap_err();
    assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
    let error = publisher.publish(&Nowhere {}).await.unwrap_err();
    assert!(matches!(error, PublishError::Unrouted { .. }), "{error}");
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "ping.#", concurrency = 2)]
async fn ping(message: bytes::Bytes, publisher: Publisher) -> Result<(), PublishError> {
    if message.len() < 200 {
        publisher.publish_to("pong", Message::new("", vec![0; message.len() + 1])).await?;
    }
    Ok(())
}

#[subscriber(topic = "pong", concurrency = 2)]
async fn pong(message: bytes::Bytes, publisher: Publisher) -> Result<(), PublishError> {
    publisher.publish_to("ping.again", Message::new("", message)).await?;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_circle_over_small_queues_does_not_stand_still() {
    use swit::transports::memory::{MemoryOptions, MemoryTransport};
    let mut options = MemoryOptions::default();
    options.capacity = 4;
    let transport = std::sync::Arc::new(MemoryTransport::new("default", options));
    let app = App::only::<(ping, pong)>().transport(transport);
    let running = app.start().await.unwrap();
    let publisher = running.publisher().unwrap();
    for _ in 0..50 {
        publisher.publish_to("ping.first", Message::new("", "x")).await.unwrap();
    }
    running.wait_quiet().await;
    let total: u64 = running.stats().iter().map(|stats| stats.counts.succeeded + stats.counts.dead_lettered).sum();
    assert!(total > 50, "{total}");
    running.shutdown().await.unwrap();
}
