//! Batches: held until one of three limits, handed over together and in order, each publication with its own answer.

use std::time::Duration;

use swit::{App, PublishError, publisher};
use tokio::time::Instant;

use super::{Note, note, start, takes_notes, texts};

#[publisher(event = Note, batch(messages = 3, bytes = "200B", every = "100ms"))]
struct BatchPublisher;

#[publisher(event = Note, batch(every = "1m"))]
struct SlowPublisher;

fn app() -> App {
    App::only::<(takes_notes,)>().with_publisher::<BatchPublisher>().with_publisher::<SlowPublisher>()
}

#[tokio::test(start_paused = true)]
async fn held_until_their_number_is_reached_then_handed_over_together_in_order() {
    let (running, broker) = start(app()).await;
    let publisher = running.publisher_of::<BatchPublisher>().unwrap();
    let first = publisher.publish(&note("a"));
    let second = publisher.publish(&note("b"));
    assert!(broker.taken().is_empty(), "nothing goes out before its batch is full");
    let third = publisher.publish(&note("c"));
    assert_eq!(texts(&broker), ["a", "b", "c"]);
    let began = Instant::now();
    let ids = [first.await.unwrap(), second.await.unwrap(), third.await.unwrap()];
    assert!(began.elapsed().is_zero());
    let taken = broker.taken();
    assert!(ids.iter().zip(&taken).all(|(id, (message, at))| message.id == *id && *at == taken[0].1));
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn held_until_their_bytes_are_reached() {
    let (running, broker) = start(app()).await;
    let publisher = running.publisher_of::<BatchPublisher>().unwrap();
    let first = publisher.publish(&note("a".repeat(100)));
    assert!(broker.taken().is_empty());
    let second = publisher.publish(&note("b".repeat(100)));
    assert_eq!(broker.taken().len(), 2);
    first.await.unwrap();
    second.await.unwrap();
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn held_no_longer_than_their_time() {
    let (running, broker) = start(app()).await;
    let publisher = running.publisher_of::<BatchPublisher>().unwrap();
    for _ in 0..3 {
        let began = Instant::now();
        let first = publisher.publish(&note("a"));
        tokio::time::sleep(Duration::from_millis(60)).await;
        let second = publisher.publish(&note("b"));
        first.await.unwrap();
        // Counted from the first of the batch.
        assert_eq!(began.elapsed().as_millis(), 100);
        second.await.unwrap();
        assert_eq!(began.elapsed().as_millis(), 100);
    }
    assert_eq!(broker.taken().len(), 6);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn each_has_its_own_answer() {
    let (running, broker) = start(app()).await;
    broker.refuse("bad");
    let publisher = running.publisher_of::<BatchPublisher>().unwrap();
    let answers = publisher.publish_all(&[note("a"), note("bad"), note("c")]).await;
    assert!(answers[0].is_ok() && answers[2].is_ok());
    assert!(matches!(answers[1], Err(PublishError::Refused { .. })), "{answers:?}");
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nobody_has_to_wait_for_a_publication_that_is_held() {
    let (running, broker) = start(app()).await;
    drop(running.publisher_of::<BatchPublisher>().unwrap().publish(&note("a")));
    tokio::time::sleep(Duration::from_millis(101)).await;
    assert_eq!(texts(&broker), ["a"]);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_held_at_shutdown_goes_out_and_is_handled() {
    let (running, broker) = start(app()).await;
    let publisher = running.publisher_of::<SlowPublisher>().unwrap();
    let confirmation = publisher.publish(&note("a"));
    let began = Instant::now();
    running.shutdown().await.unwrap();
    assert_eq!(texts(&broker), ["a"]);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    confirmation.await.unwrap();
    let late = publisher.publish(&note("late")).await.unwrap_err();
    assert!(matches!(late, PublishError::Closed), "{late}");
}

#[tokio::test(start_paused = true)]
async fn waiting_for_quiet_waits_for_what_is_held() {
    let (running, broker) = start(app()).await;
    drop(running.publisher_of::<BatchPublisher>().unwrap().publish(&note("a")));
    running.wait_quiet().await;
    assert_eq!(texts(&broker), ["a"]);
    assert_eq!(running.stats()[0].counts.succeeded, 1);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn configuration_may_hold_nothing_back() {
    let (running, broker) = start(app().set("publisher.slow.batch", false)).await;
    running.publisher_of::<SlowPublisher>().unwrap().publish(&note("a")).await.unwrap();
    assert_eq!(texts(&broker), ["a"]);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_is_larger_than_the_window_fills_up() {
    let (running, broker) = start(app().set("publisher.slow.batch", "messages = 3000, every = 1m")).await;
    let notes: Vec<Note> = (0..3000).map(|n| note(n.to_string())).collect();
    let began = Instant::now();
    let answers = running.publisher_of::<SlowPublisher>().unwrap().publish_all(&notes).await;
    assert!(answers.iter().all(Result::is_ok) && began.elapsed().is_zero(), "{:?}", began.elapsed());
    assert_eq!(texts(&broker), (0..3000).map(|n| n.to_string()).collect::<Vec<_>>());
    running.shutdown().await.unwrap();
}
