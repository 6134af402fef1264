//! Composites whose handlers take different events, and composites that keep their order.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use swit::{App, Event, Message, Metadata, State, event_handler, testing::TestApp};

use super::{Script, Step, StepError, start};
use crate::support::{Journal, Task, keyed, task};

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "task.deleted", version = 1)]
struct Deleted {
    key: String,
}

/// Another event of the same topic.
#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "task.deleted", name = "TaskPurged", version = 1)]
struct Purged {
    reason: String,
}

#[derive(Debug, Event)]
enum Any {
    Created(Task),
    Deleted(Deleted),
    Purged(Purged),
}

swit::composite!(follows, strategy = sequential, topics = ["task.created", "task.deleted"], retries = 0);

#[event_handler(composite = follows, order = 1)]
async fn follows_created(task: Task, journal: State<Journal>) {
    journal.note(format!("created {}", task.text));
}

#[event_handler(composite = follows, order = 2)]
async fn follows_deleted(deleted: Deleted, journal: State<Journal>) {
    journal.note(format!("deleted {}", deleted.key));
}

#[event_handler(composite = follows, order = 3)]
async fn follows_purged(purged: Purged, journal: State<Journal>) {
    journal.note(format!("purged {}", purged.reason));
}

#[event_handler(composite = follows, order = 4)]
async fn follows_any(any: Any, journal: State<Journal>) {
    let which = match any {
        Any::Created(task) => task.text,
        Any::Deleted(deleted) => deleted.key,
        Any::Purged(purged) => purged.reason,
    };
    journal.note(format!("any {which}"));
}

#[event_handler(composite = follows, order = 5)]
async fn follows_bytes(bytes: Bytes, journal: State<Journal>) {
    journal.note(format!("bytes {}", bytes.len()));
}

#[tokio::test(start_paused = true)]
async fn each_handler_runs_for_its_own_events() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(follows,)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.publish(&Deleted { key: "k".into() }).await.unwrap();
    app.publish(&Purged { reason: "old".into() }).await.unwrap();
    app.wait_quiet().await;
    let lines = journal.lines();
    assert_eq!(lines[..3], ["created x", "any x", "bytes 22"]);
    assert_eq!(lines[3..], ["deleted k", "any k", "bytes 11", "purged old", "any old", "bytes 16"]);
    assert!(app.dead_letters("follows").is_empty());
    app.shutdown().await.unwrap();
}

swit::composite!(takes_patterns, strategy = parallel, topic = "task.#", retries = 0);

#[event_handler(composite = takes_patterns, order = 1)]
async fn takes_a_task(task: Task, journal: State<Journal>) {
    journal.note(task.text);
}

#[tokio::test(start_paused = true)]
async fn what_is_no_handlers_event_is_not_swallowed() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_patterns,)>().provide(journal.clone())).await.unwrap();
    app.publish_to("task.strange", Message::new("", "{")).await.unwrap();
    app.wait_quiet().await;
    assert!(journal.lines().is_empty());
    let dead = app.dead_letters("takes-patterns");
    assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "invalid_input"), "it is for nobody, which is a finding");
    app.shutdown().await.unwrap();
}

swit::composite!(
    keeps_order,
    strategy = parallel,
    topic = "task.created",
    order_by = key,
    concurrency = 3,
    retries = 3,
    backoff = fixed("10s")
);

#[event_handler(composite = keeps_order, order = 1)]
async fn keeps_order_a(task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), StepError> {
    journal.note(format!("a {} {}", task.key, task.text));
    if task.text == "2" && meta.attempt < 3 { Err(StepError::Busy("keeps-order-a")) } else { Ok(()) }
}

#[event_handler(composite = keeps_order, order = 2)]
async fn keeps_order_b(task: Task, journal: State<Journal>) {
    journal.note(format!("b {} {}", task.key, task.text));
}

#[tokio::test(start_paused = true)]
async fn order_is_kept_while_the_missing_are_tried_again() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(keeps_order,)>().provide(journal.clone())).await.unwrap();
    for n in 1..=4 {
        for key in ["p", "q", "r", "s"] {
            app.publish(&keyed(key, n.to_string())).await.unwrap();
        }
    }
    app.wait_quiet().await;
    for key in ["p", "q", "r", "s"] {
        let seen = |handler: &str| -> String {
            let prefix = format!("{handler} {key} ");
            journal.lines().iter().filter_map(|line| line.strip_prefix(&prefix)).collect()
        };
        assert_eq!((seen("a").as_str(), seen("b").as_str()), ("122234", "1234"), "{key}");
    }
    app.shutdown().await.unwrap();
}

swit::composite!(
    one_by_one,
    strategy = sequential,
    topic = "task.created",
    ordered,
    retries = 2,
    backoff = fixed("10s")
);

#[event_handler(composite = one_by_one, order = 1)]
async fn one_by_one_a(task: Task, script: State<Script>) -> Result<(), StepError> {
    script.journal.note(task.text);
    script.play("a").await
}

#[tokio::test(start_paused = true)]
async fn an_ordered_composite_gives_up_in_place() {
    let script = Script::default().with("a", &[Step::Succeed, Step::Fail, Step::Fail, Step::Fail]);
    let app = start::<(one_by_one,)>(&script).await;
    for n in 1..=3 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    app.wait_quiet().await;
    let seen: Vec<_> = script.lines().into_iter().filter(|line| line.len() == 1).collect();
    assert_eq!(seen, ["1", "2", "2", "2", "3"]);
    assert_eq!(app.dead_letters("one-by-one").len(), 1);
    app.shutdown().await.unwrap();
}
