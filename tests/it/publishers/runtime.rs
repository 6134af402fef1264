//! Publishers that are made while the service runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use swit::{
    App, Batching, Error, Handle, Message, OnPublishFailure, PublishError, PublisherConfig, PublisherError, State,
    publisher, subscriber,
};

use super::{Note, note, start, takes_notes, texts};
use crate::support::{Journal, Task, task};

#[publisher(event = Note)]
struct FixedPublisher;

#[subscriber(retries = 0)]
async fn makes_a_publisher(task: Task, handle: Handle, journal: State<Journal>) -> Result<(), swit::Error> {
    let publisher = handle.publisher(PublisherConfig::new(task.text))?;
    publisher.publish(&note("by a handler")).await?;
    journal.note("published");
    Ok(())
}

fn app() -> App {
    App::only::<(makes_a_publisher, takes_notes)>().with_publisher::<FixedPublisher>().provide(Journal::default())
}

#[tokio::test(start_paused = true)]
async fn it_has_every_option_of_the_attribute() {
    let (running, broker) = start(app()).await;
    let handle = running.handle();
    let batch = Batching { messages: 2, ..Batching::DEFAULT };
    let config = PublisherConfig::new("partner").batch(batch).confirm(Duration::from_secs(2)).background(5);
    let publisher = handle.publisher(config).unwrap();
    publisher.publish(&note("a")).await.unwrap();
    publisher.publish_to("note.written", Message::new("", "{\"text\":\"b\",\"author\":1}")).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(texts(&broker), ["a", "b"]);
    broker.withhold();
    publisher.publish(&note("c")).await.unwrap();
    publisher.publish(&note("d")).await.unwrap();
    publisher.flush().await;
    let stats = running.publishers();
    assert_eq!((stats[1].name.as_str(), stats[1].failed), ("partner", 2), "{stats:?}");
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_name_is_taken_as_long_as_its_publisher_lives() {
    let (running, broker) = start(app()).await;
    let handle = running.handle();
    let make = |name: &'static str| handle.publisher(PublisherConfig::new(name).background(10));
    for taken in ["fixed", "fixed"] {
        let error = make(taken).unwrap_err();
        assert!(matches!(error, Error::NotMade(PublisherError::Taken { .. })), "{error}");
    }
    let first = make("one").unwrap();
    let clone = first.clone();
    assert!(make("one").is_err());
    first.publish(&note("last words")).await.unwrap();
    drop(first);
    assert!(make("one").is_err(), "a clone is left");
    drop(clone);
    // Its queue empties itself before the name is free.
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(texts(&broker), ["last words"]);
    make("one").unwrap();
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn failures_of_a_publisher_that_is_gone_are_told() {
    let told = Arc::new(AtomicUsize::new(0));
    let count = told.clone();
    let on_failure = OnPublishFailure::new(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
    });
    let (running, broker) = start(app().provide(on_failure)).await;
    broker.withhold();
    broker.refuse("bad");
    let publisher = running.handle().publisher(PublisherConfig::new("gone").background(10)).unwrap();
    publisher.publish(&note("bad")).await.unwrap();
    drop(publisher);
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!((broker.taken().len(), told.load(Ordering::Relaxed)), (1, 0));
    broker.confirm(1);
    running.shutdown().await.unwrap();
    assert_eq!(told.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn options_are_held_to_the_same_limits() {
    let (running, _) = start(app()).await;
    let handle = running.handle();
    let config = PublisherConfig::new;
    for (wrong, why) in [
        (config("no name"), "holds the character"),
        (config("p").confirm(Duration::ZERO), "`confirm` is 0s"),
        (config("p").background(0), "`capacity` is 0"),
        (config("p").batch(Batching { messages: 1, ..Batching::DEFAULT }), "`messages` is 1"),
        (config("p").transport("nowhere"), "there is no transport `nowhere`"),
    ] {
        let error = handle.publisher(wrong).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    running.shutdown().await.unwrap();
    let error = handle.publisher(config("late")).unwrap_err();
    assert!(matches!(error, Error::NotMade(PublisherError::Closed { .. })), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_handle_is_an_argument() {
    let journal = Journal::default();
    let (running, broker) = start(app().provide(journal.clone())).await;
    running.publisher().unwrap().publish(&task("made-here")).await.unwrap();
    running.wait_quiet().await;
    assert_eq!(journal.lines(), ["published"]);
    assert!(broker.payloads().iter().any(|payload| payload.contains("by a handler")));
    let late = running.publisher().unwrap();
    running.shutdown().await.unwrap();
    assert!(matches!(late.publish(&note("x")).await, Err(PublishError::Closed)));
}
