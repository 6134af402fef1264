//! Flushing, dropping what is on its way, and publishing many at once.

use std::{
    pin::pin,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use swit::{App, PublishError, publisher};
use tokio::{task::yield_now, time::timeout};

use super::{Note, note, start, takes_notes, texts};

#[publisher(event = Note, batch(messages = 100, every = "1m"))]
struct HeldPublisher;

fn app() -> App {
    App::only::<(takes_notes,)>().with_publisher::<HeldPublisher>()
}

#[tokio::test(start_paused = true)]
async fn a_flush_waits_for_every_confirmation_that_is_outstanding_and_for_no_later_one() {
    let (running, broker) = start(app()).await;
    broker.withhold();
    let publisher = running.publisher().unwrap();
    // Held in this very task, and not polled while the flush waits.
    let (first, second) = (publisher.publish(&note("a")), publisher.publish(&note("b")));
    drop(publisher.publish(&note("dropped")));
    let mut flush = pin!(publisher.flush());
    for _ in 0..3 {
        assert!(timeout(Duration::from_secs(1), &mut flush).await.is_err());
        broker.confirm(1);
    }
    let later = publisher.publish(&note("later"));
    timeout(Duration::from_secs(1), flush).await.unwrap();
    first.await.unwrap();
    second.await.unwrap();
    broker.confirm(1);
    later.await.unwrap();
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flush_hands_over_what_is_held() {
    let (running, broker) = start(app()).await;
    let publisher = running.publisher_of::<HeldPublisher>().unwrap();
    let held = publisher.publish(&note("a"));
    timeout(Duration::from_secs(1), publisher.flush()).await.unwrap();
    assert_eq!(texts(&broker), ["a"]);
    held.await.unwrap();
    // After the flush it holds again.
    let held = publisher.publish(&note("b"));
    assert_eq!(texts(&broker), ["a"]);
    timeout(Duration::from_secs(1), running.flush()).await.unwrap();
    assert_eq!(texts(&broker), ["a", "b"]);
    held.await.unwrap();
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_dropped_before_the_service_has_started_is_published() {
    let app = App::only::<(takes_notes,)>().with_provider_of::<Impatient>();
    let (running, broker) = start(app).await;
    running.flush().await;
    assert_eq!(texts(&broker), ["from a provider"]);
    running.shutdown().await.unwrap();
}

struct Impatient;

#[swit::provider]
async fn impatient(publisher: swit::Publisher) -> Result<Impatient, PublishError> {
    drop(publisher.publish(&note("from a provider")));
    Ok(Impatient)
}

#[tokio::test(start_paused = true)]
async fn publishing_all_takes_no_more_than_its_window_and_keeps_the_order() {
    let (running, broker) = start(app()).await;
    broker.withhold();
    broker.refuse("\"2500\"");
    let publisher = running.publisher().unwrap();
    let notes: Vec<Note> = (0..5000).map(|n| note(n.to_string())).collect();
    let taken = AtomicUsize::new(0);
    let counted = notes.iter().inspect(|_| {
        taken.fetch_add(1, Ordering::Relaxed);
    });
    let mut all = pin!(publisher.publish_all(counted));
    assert!(timeout(Duration::from_secs(1), &mut all).await.is_err());
    assert_eq!((taken.load(Ordering::Relaxed), broker.taken().len()), (1000, 1000));
    broker.confirm(500);
    assert!(timeout(Duration::from_secs(1), &mut all).await.is_err());
    assert_eq!(taken.load(Ordering::Relaxed), 1500);
    broker.confirm(10_000);
    let answers = all.await;
    assert_eq!(answers.iter().position(Result::is_err), Some(2500));
    assert_eq!(answers.iter().filter(|answer| answer.is_err()).count(), 1);
    let taken = broker.taken();
    let ids = answers
        .iter()
        .zip(&taken)
        .all(|(id, (message, _))| id.as_ref().is_ok_and(|id| message.id == *id) || id.is_err());
    assert!(ids, "answers stand in the order of the events");
    assert_eq!(texts(&broker), (0..5000).map(|n| n.to_string()).collect::<Vec<_>>());
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn shutdown_waits_for_confirmations_that_nobody_waits_for() {
    let (running, broker) = start(app()).await;
    broker.withhold();
    drop(running.publisher().unwrap().publish(&note("a")));
    let ending = tokio::spawn(running.shutdown());
    for _ in 0..10 {
        yield_now().await;
    }
    assert!(!ending.is_finished());
    broker.confirm(1);
    ending.await.unwrap().unwrap();
}
