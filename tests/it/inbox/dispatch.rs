//! What an inbox makes of attempts, on the store in memory: virtual time, every way that an attempt can end.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    App, Database, Event, Message, MessageId, Metadata, Outcome, Publish, Publisher, State, Tx, composite,
    event_handler,
    store::{Depth, Store},
    stores::MemoryStore,
    subscriber,
    testing::TestApp,
};
use tokio::sync::oneshot;

use crate::support::{Journal, Task, task};

type Answer<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "task.done", key = key)]
struct Done {
    key: String,
    text: String,
}

/// Fails as its text says, after it has published by every way there is.
#[subscriber(topic = "task.created", inbox, retries = 3, backoff = fixed("100ms"), timeout = "1s")]
async fn once(
    task: Task,
    meta: Metadata,
    journal: State<Journal>,
    publisher: Publisher,
    mut tx: Tx,
) -> Answer<Publish<Done>> {
    journal.note(format!("attempt {}", meta.attempt));
    let done = |how: &str| Done { key: task.key.clone(), text: format!("{} {how}", task.text) };
    publisher.publish(&done("published")).await?;
    tx.publish(&done("in the transaction")).await?;
    tx.keep(&task.text).await?;
    match task.text.as_str() {
        "fails twice" if meta.attempt < 3 => return Err("not yet".into()),
        "fails" => return Err("never".into()),
        "panics" => panic!("as it was told"),
        "hangs" => std::future::pending::<()>().await,
        _ => {}
    }
    Ok(Publish(done("returned")))
}

#[subscriber(topic = "task.done")]
async fn sees(done: Done, journal: State<Journal>) {
    journal.note(done.text);
}

async fn app(store: &MemoryStore, journal: &Journal) -> TestApp {
    let app = App::only::<(once, sees)>().store(store.clone()).provide(journal.clone());
    TestApp::start(app).await.unwrap()
}

fn message(text: &str, id: &str) -> Message {
    task(text).encode().unwrap().with_id(MessageId::parse(id).unwrap())
}

/// What was noted, without the attempts, in whatever order it came.
fn effects(journal: &Journal) -> Vec<String> {
    let mut lines: Vec<_> = journal.lines().into_iter().filter(|line| !line.starts_with("attempt")).collect();
    lines.sort();
    lines
}

fn attempts(journal: &Journal) -> usize {
    journal.lines().iter().filter(|line| line.starts_with("attempt")).count()
}

fn all_three(text: &str) -> Vec<String> {
    ["in the transaction", "published", "returned"].map(|how| format!("{text} {how}")).into()
}

#[tokio::test(start_paused = true)]
async fn whatever_comes_again_is_done_once() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let app = app(&store, &journal).await;
    for _ in 0..3 {
        app.publish_to("task.created", message("a", "one")).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!((attempts(&journal), effects(&journal)), (1, all_three("a")));
    assert_eq!(store.outbox().depth().await.unwrap(), Depth::default());
    assert_eq!(store.result("once", "one").await.unwrap().flatten().as_deref(), Some(&b"\"a\""[..]));
    // Another message with the same content is another one.
    app.publish_to("task.created", message("a", "two")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(attempts(&journal), 2);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_fails_leaves_nothing() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let app = app(&store, &journal).await;
    app.publish_to("task.created", message("fails twice", "one")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!((attempts(&journal), effects(&journal)), (3, all_three("fails twice")));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn whatever_ends_it_nothing_is_kept_and_the_dead_letter_can_be_replayed() {
    for (text, reason) in [("fails", "retries_exhausted"), ("panics", "panic"), ("hangs", "timeout")] {
        let (store, journal) = (MemoryStore::new(), Journal::default());
        let app = app(&store, &journal).await;
        app.publish_to("task.created", message(text, "one")).await.unwrap();
        app.wait_quiet().await;
        assert_eq!((attempts(&journal), effects(&journal)), (4, Vec::new()), "{text}");
        assert_eq!(app.dead_letters("once").len(), 1, "{text} {reason}");
        assert_eq!(store.result("once", "one").await.unwrap(), None, "{text}");
        assert_eq!(store.outbox().depth().await.unwrap(), Depth::default(), "{text}");
        // The same message, mended.
        app.publish_to("task.created", message("mended", "one")).await.unwrap();
        app.wait_quiet().await;
        assert_eq!(effects(&journal), all_three("mended"), "{text}");
        app.shutdown().await.unwrap();
    }
}

/// Keeps its transaction for longer than it runs.
#[subscriber(topic = "task.created", inbox, retries = 0)]
async fn keeps_it(_task: Task, tx: Tx, kept: State<std::sync::Mutex<Vec<Tx>>>) {
    kept.lock().unwrap().push(tx);
}

#[tokio::test(start_paused = true)]
async fn a_transaction_that_is_not_given_back_is_not_committed() {
    let store = MemoryStore::new();
    let kept = std::sync::Arc::new(std::sync::Mutex::new(Vec::<Tx>::new()));
    let app = App::only::<(keeps_it,)>().store(store.clone()).provide_shared(kept.clone());
    let app = TestApp::start(app).await.unwrap();
    app.publish_to("task.created", message("a", "one")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.dead_letters("keeps-it").len(), 1);
    let mut tx: Tx = kept.lock().unwrap().pop().unwrap();
    let late = tx.publish(&Done { key: "k".into(), text: "late".into() }).await.unwrap_err();
    assert!(late.to_string().contains("is over"), "{late}");
    drop(tx);
    assert_eq!(store.result("keeps-it", "one").await.unwrap(), None);
    app.shutdown().await.unwrap();
}

/// Publishes without waiting for the answer.
#[subscriber(topic = "task.created", inbox)]
async fn in_a_hurry(task: Task, publisher: Publisher) {
    let done = Done { key: task.key, text: task.text };
    drop(publisher.publish(&done));
    drop(publisher.publish_with(&done).delay(Duration::from_mins(1)).send());
}

#[tokio::test(start_paused = true)]
async fn what_nobody_awaits_is_in_the_transaction_all_the_same() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let app = App::only::<(in_a_hurry, sees)>()
        .store(store)
        .provide(journal.clone())
        // Its publications go through middleware, in a task of their own.
        .publish_middleware("slow", 0, Slow);
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(effects(&journal), ["a", "a"]);
    app.shutdown().await.unwrap();
}

struct Slow;

impl swit::PublishMiddleware for Slow {
    fn publish<'a>(
        &'a self,
        message: &'a mut Message,
        next: swit::PublishNext<'a>,
    ) -> swit::transport::BoxFuture<'a, Result<MessageId, swit::PublishError>> {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            next.run(message).await
        })
    }
}

composite!(each_for_itself, strategy = parallel, topic = "task.created", retries = 2, backoff = fixed("10ms"));

#[event_handler(composite = each_for_itself, order = 10, inbox)]
async fn well(task: Task, journal: State<Journal>, mut tx: Tx) -> Answer<()> {
    journal.note("well");
    tx.publish(&Done { key: task.key, text: "well did it".into() }).await?;
    Ok(())
}

#[event_handler(composite = each_for_itself, order = 20, inbox)]
async fn badly(task: Task, journal: State<Journal>, publisher: Publisher) -> Answer<Outcome> {
    journal.note("badly");
    publisher.publish(&Done { key: task.key, text: "badly did it".into() }).await?;
    Err("never".into())
}

#[tokio::test(start_paused = true)]
async fn each_event_handler_claims_for_itself() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let app = App::only::<(each_for_itself, sees)>().store(store.clone()).provide(journal.clone());
    let app = TestApp::start(app).await.unwrap();
    app.publish_to("task.created", message("a", "one")).await.unwrap();
    app.wait_quiet().await;
    // Delivered once more from the start, with nothing that says who is done.
    app.publish_to("task.created", message("a", "one")).await.unwrap();
    app.wait_quiet().await;
    let mut noted = journal.lines();
    noted.sort();
    assert_eq!(noted.iter().filter(|line| *line == "well").count(), 1);
    assert_eq!(noted.iter().filter(|line| *line == "well did it").count(), 1);
    assert_eq!(noted.iter().filter(|line| *line == "badly did it").count(), 0);
    assert_eq!(noted.iter().filter(|line| *line == "badly").count(), 6);
    app.shutdown().await.unwrap();
}

/// Works until it is told to end.
#[subscriber(topic = "task.created", inbox, concurrency = 8, timeout = "60s")]
async fn slowly(_task: Task, ends: State<tokio::sync::Mutex<Option<oneshot::Receiver<()>>>>, journal: State<Journal>) {
    journal.note("works");
    if let Some(ends) = ends.lock().await.take() {
        let _ = ends.await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_at_once_wait_for_each_other() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let (end, ends) = oneshot::channel();
    let app =
        App::only::<(slowly,)>().store(store).provide(journal.clone()).provide(tokio::sync::Mutex::new(Some(ends)));
    let app = TestApp::start(app).await.unwrap();
    for _ in 0..8 {
        app.publish_to("task.created", message("a", "one")).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(journal.lines(), ["works"]);
    end.send(()).unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["works"]);
    app.shutdown().await.unwrap();
}

/// What it does by the way of the database happens whatever becomes of it.
#[subscriber(topic = "task.created", inbox, retries = 0)]
async fn beside(task: Task, database: Database) -> Answer<()> {
    let mut tx = database.begin().await?;
    tx.publish(&Done { key: task.key.clone(), text: "of its own".into() }).await?;
    tx.commit().await?;
    let mut tx = database.begin().await?;
    tx.publish(&Done { key: task.key, text: "dropped".into() }).await?;
    drop(tx);
    Err("never".into())
}

#[tokio::test(start_paused = true)]
async fn a_transaction_of_ones_own_is_ones_own() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let app = App::only::<(beside, sees)>().store(store).provide(journal.clone());
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(effects(&journal), ["of its own"]);
    assert_eq!(app.dead_letters("beside").len(), 1);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_message_without_an_id_is_refused() {
    let (store, journal) = (MemoryStore::new(), Journal::default());
    let app = app(&store, &journal).await;
    let port = app.running().scope().publisher("default").unwrap().clone();
    let mut nameless = message("a", "one");
    nameless.id = MessageId::EMPTY;
    port.publish(swit::transport::Publication::new(nameless)).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(attempts(&journal), 0);
    let letters = app.dead_letters("once");
    assert!(letters.len() == 1 && format!("{letters:?}").contains("invalid_input"), "{letters:?}");
    app.shutdown().await.unwrap();
}
