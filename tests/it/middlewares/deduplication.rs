//! A duplicate is not handled again; a retry is never taken for one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use swit::{
    Ack, App, Class, Event, Message, MessageId, Publish, PublishError, PublishMiddleware, PublishNext, State,
    middlewares::{Cache, Deduplication, MokaCache},
    subscriber,
    testing::TestApp,
    transport::BoxFuture,
};

use crate::support::{Journal, Task, task};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "task.done", version = 1, unrouted = "ignore")]
struct Done {
    text: String,
}

#[subscriber(topic = "task.created", retries = 2, backoff = fixed("1s"))]
async fn finish(task: Task, journal: State<Journal>) -> Publish<Done> {
    journal.note("finish");
    Publish(Done { text: task.text })
}

#[subscriber(topic = "task.created")]
async fn watch(_task: Task, journal: State<Journal>) {
    journal.note("watch");
}

#[subscriber(topic = "task.created", ack = "manual")]
async fn by_hand(task: Task, ack: Ack, journal: State<Journal>) {
    journal.note("by hand");
    if task.text == "later" && journal.lines().len() == 1 {
        ack.requeue();
    } else {
        ack.ack();
    }
}

#[subscriber(topic = "task.created", retries = 1, backoff = fixed("1s"))]
async fn stumbles(_task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note("stumbles");
    if journal.lines().len() == 1 { Err(std::io::Error::other("once")) } else { Ok(()) }
}

fn same(text: &str) -> Message {
    let body = serde_json::to_vec(&task(text)).unwrap();
    Message::new("", body).with_id(MessageId::parse("the-same").unwrap())
}

/// Refuses the first publications of an event.
struct Refuses(AtomicU32);

impl PublishMiddleware for Refuses {
    fn publish<'a>(
        &'a self,
        message: &'a mut Message,
        next: PublishNext<'a>,
    ) -> BoxFuture<'a, Result<MessageId, PublishError>> {
        let refused = message.topic == *"task.done"
            && self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok();
        if refused {
            return Box::pin(std::future::ready(Err(PublishError::prevented(Class::Transient, "not now"))));
        }
        next.run(message)
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_is_acknowledged_and_each_subscriber_has_its_own() {
    let (journal, seen) = (Journal::default(), Deduplication::new(MokaCache::new(100)).ttl(Duration::from_mins(1)));
    let app = App::only::<(finish, watch)>().provide(journal.clone()).middleware("seen", 10, seen.clone());
    let app = TestApp::start(app).await.unwrap();
    for _ in 0..3 {
        app.publish_to("task.created", same("x")).await.unwrap();
        app.wait_quiet().await;
    }
    let mut lines = journal.lines();
    lines.sort();
    assert_eq!(lines, ["finish", "watch"]);
    assert_eq!((seen.duplicates(), app.published::<Done>().len()), (4, 1));
    tokio::time::advance(Duration::from_secs(61)).await;
    app.publish_to("task.created", same("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines().len(), 4, "after its time it is forgotten");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_failed_to_be_published_is_no_duplicate_when_it_is_tried_again() {
    let (journal, seen) = (Journal::default(), Deduplication::new(MokaCache::new(100)));
    let app = App::only::<(finish,)>().provide(journal.clone()).middleware("seen", 10, seen.clone());
    let app = TestApp::start(app.publish_middleware("refuses", 1, Refuses(AtomicU32::new(1)))).await.unwrap();
    app.publish_to("task.created", same("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["finish", "finish"]);
    assert_eq!((app.published::<Done>().len(), seen.duplicates()), (1, 0), "its publication is not lost");
    app.publish_to("task.created", same("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!((app.published::<Done>().len(), seen.duplicates()), (1, 1));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_retry_of_the_handler_is_no_duplicate() {
    let (journal, seen) = (Journal::default(), Deduplication::new(MokaCache::new(100)));
    let app = App::only::<(stumbles,)>().provide(journal.clone()).middleware("seen", 10, seen.clone());
    let app = TestApp::start(app).await.unwrap();
    app.publish_to("task.created", same("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!((journal.lines().len(), seen.duplicates()), (2, 0));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn by_hand_only_what_was_acknowledged_is_done_with() {
    let (journal, seen) = (Journal::default(), Deduplication::new(MokaCache::new(100)));
    let app = App::only::<(by_hand,)>().provide(journal.clone()).middleware("seen", 10, seen.clone());
    let app = TestApp::start(app).await.unwrap();
    app.publish_to("task.created", same("later")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!((journal.lines().len(), seen.duplicates()), (2, 0), "what was requeued comes again");
    app.publish_to("task.created", same("later")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!((journal.lines().len(), seen.duplicates()), (2, 1), "and the duplicate leaves the queue");
    app.shutdown().await.unwrap();
}

/// A cache whose server is gone.
struct Gone;

impl Cache for Gone {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, swit::BoxError>> {
        Box::pin(async { Err("no route to host".into()) })
    }

    fn set<'a>(&'a self, _: &'a str, _: Bytes, _: Duration) -> BoxFuture<'a, Result<(), swit::BoxError>> {
        Box::pin(std::future::pending())
    }
}

/// A cache whose server says nothing.
struct Silent;

impl Cache for Silent {
    fn get<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Option<Bytes>, swit::BoxError>> {
        Box::pin(std::future::pending())
    }

    fn set<'a>(&'a self, _: &'a str, _: Bytes, _: Duration) -> BoxFuture<'a, Result<(), swit::BoxError>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_does_not_answer_costs_a_second_each_time_it_is_asked() {
    let journal = Journal::default();
    let app = App::only::<(watch,)>().provide(journal.clone()).middleware("seen", 10, Deduplication::new(Silent));
    let app = TestApp::start(app).await.unwrap();
    let began = tokio::time::Instant::now();
    app.publish_to("task.created", same("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!((journal.lines().len(), app.attempts("watch")), (1, 1));
    assert_eq!(began.elapsed().as_secs(), 2, "once for the mark that may be there, once to make it");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_fails_is_a_miss_and_fails_no_message() {
    let journal = Journal::default();
    let seen = Deduplication::new(Arc::new(Gone) as Arc<dyn Cache>);
    let app = App::only::<(watch,)>().provide(journal.clone()).middleware("seen", 10, seen.clone());
    let app = TestApp::start(app).await.unwrap();
    for _ in 0..2 {
        app.publish_to("task.created", same("x")).await.unwrap();
        app.wait_quiet().await;
    }
    assert_eq!((journal.lines().len(), seen.duplicates()), (2, 0));
    assert_eq!(app.stats_of("watch").unwrap().counts.succeeded, 2);
    app.shutdown().await.unwrap();
}
