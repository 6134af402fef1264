//! Asynchronous publishing: taken in at once or refused at once, published in order, failures told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use swit::{App, Error, OnPublishFailure, PublishError, publisher, testing::TestApp};
use tokio::time::Instant;

use super::{Note, note, start, takes_notes, texts};

#[publisher(event = Note, async(capacity = 3))]
struct AsyncPublisher;

#[publisher(event = Note, async, batch(messages = 100, every = "1m"))]
struct AsyncBatchPublisher;

fn app() -> App {
    App::only::<(takes_notes,)>().with_publisher::<AsyncPublisher>().with_publisher::<AsyncBatchPublisher>()
}

#[tokio::test(start_paused = true)]
async fn taken_in_at_once_and_refused_at_once_when_the_queue_is_full() {
    let (running, broker) = start(app()).await;
    broker.withhold();
    let publisher = running.publisher_of::<AsyncPublisher>().unwrap();
    let began = Instant::now();
    let mut ids = Vec::new();
    for text in ["a", "b", "c"] {
        ids.push(publisher.publish(&note(text)).await.unwrap());
    }
    let full = publisher.publish(&note("d")).await.unwrap_err();
    assert!(matches!(full, PublishError::QueueFull { capacity: 3, .. }), "{full}");
    assert!(began.elapsed().is_zero());
    // What is on its way and not confirmed still counts.
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(texts(&broker), ["a", "b", "c"]);
    assert!(publisher.publish(&note("d")).await.is_err());
    let stats = running.publishers();
    assert_eq!((stats[0].name.as_str(), stats[0].outstanding, stats[0].failed), ("async", 3, 0));
    broker.confirm(1);
    tokio::time::sleep(Duration::from_secs(1)).await;
    publisher.publish(&note("d")).await.unwrap();
    broker.confirm(3);
    running.wait_quiet().await;
    assert_eq!(texts(&broker), ["a", "b", "c", "d"]);
    assert!(broker.taken().iter().zip(&ids).all(|((message, _), id)| message.id == *id));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_can_be_seen_at_once_is_refused_at_once() {
    let (running, _) = start(app().set("limits.payload", 10)).await;
    let error = running.publisher_of::<AsyncPublisher>().unwrap().publish(&note("long enough")).await.unwrap_err();
    assert!(matches!(error, PublishError::TooLarge { .. }), "{error}");
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn later_failures_are_counted_and_told_and_stop_nothing() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let journal = told.clone();
    let on_failure = OnPublishFailure::new(move |failed| {
        let text = String::from_utf8_lossy(&failed.message.payload).into_owned();
        journal.lock().unwrap().push((failed.publisher.to_string(), failed.message.id.clone(), text));
        assert!(matches!(failed.error, PublishError::Refused { .. }));
        panic!("whoever is told may panic");
    });
    let (running, broker) = start(app().provide(on_failure)).await;
    broker.refuse("bad");
    let publisher = running.publisher_of::<AsyncPublisher>().unwrap();
    let id = publisher.publish(&note("bad")).await.unwrap();
    publisher.publish(&note("good")).await.unwrap();
    publisher.publish(&note("bad again")).await.unwrap();
    publisher.flush().await;
    let found = told.lock().unwrap().clone();
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].0.as_str(), &found[0].1), ("async", &id));
    assert_eq!(texts(&broker), ["bad", "good", "bad again"]);
    assert_eq!(running.publishers()[0].failed, 2);
    assert_eq!(running.alerts(), [(swit::AlertKind::PublishFailed, 2)]);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_empties_the_queue_before_the_transport_closes() {
    let (running, broker) = start(app().set("publisher.async.capacity", 1000)).await;
    let publisher = running.publisher_of::<AsyncPublisher>().unwrap();
    let batched = running.publisher_of::<AsyncBatchPublisher>().unwrap();
    for n in 0..100 {
        publisher.publish(&note(n.to_string())).await.unwrap();
    }
    batched.publish(&note("batched")).await.unwrap();
    assert!(broker.taken().is_empty(), "the task had no turn yet");
    running.shutdown().await.unwrap();
    let mut found = texts(&broker);
    assert_eq!(found.iter().position(|text| text == "batched").map(|at| found.remove(at)).as_deref(), Some("batched"));
    assert_eq!(found, (0..100).map(|n| n.to_string()).collect::<Vec<_>>());
    assert!(matches!(publisher.publish(&note("late")).await, Err(PublishError::Closed)));
    // Nobody is left to wait for.
    publisher.flush().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_confirmed_by_the_deadline_is_said() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let journal = told.clone();
    let on_failure = OnPublishFailure::new(move |failed| {
        assert!(matches!(failed.error, PublishError::Lost { .. }));
        journal.lock().unwrap().push(failed.message.id.clone());
    });
    let (running, broker) = start(app().provide(on_failure)).await;
    broker.withhold();
    let publisher = running.publisher_of::<AsyncPublisher>().unwrap();
    publisher.publish(&note("confirmed")).await.unwrap();
    let ids = [publisher.publish(&note("a")).await.unwrap(), publisher.publish(&note("b")).await.unwrap()];
    broker.confirm(1);
    let began = Instant::now();
    let error = running.shutdown_within(Duration::from_secs(3)).await.unwrap_err();
    assert!(matches!(error, Error::Unconfirmed { publications: 2, .. }), "{error}");
    assert_eq!(began.elapsed().as_secs(), 3);
    assert_eq!(*told.lock().unwrap(), ids, "each is told by the time the shutdown has ended");
    // The task is gone, so that nobody waits for it for ever.
    publisher.flush().await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_dropped_cancels_its_tasks() {
    let (running, broker) = start(app()).await;
    let publisher = running.publisher_of::<AsyncPublisher>().unwrap();
    drop(running);
    tokio::task::yield_now().await;
    let error = publisher.publish(&note("x")).await.unwrap_err();
    assert!(matches!(error, PublishError::Closed), "{error}");
    assert!(broker.taken().is_empty());
}

#[tokio::test(start_paused = true)]
async fn it_may_be_published_before_the_service_has_started() {
    // A provider's publications wait in the queue until everything is declared.
    let app = TestApp::start(app().with_provider_of::<Begun>()).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.published::<Note>(), [note("begun")]);
    assert_eq!(app.attempts("takes-notes"), 1);
    app.shutdown().await.unwrap();
}

struct Begun;

#[swit::provider]
async fn begin(notes: swit::Publisher<AsyncPublisher>) -> Result<Begun, PublishError> {
    notes.publish(&note("begun")).await?;
    Ok(Begun)
}
