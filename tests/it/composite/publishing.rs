//! What event handlers publish: once, under ids of their own, the same in each attempt.

use serde::{Deserialize, Serialize};
use swit::{App, Event, MessageId, Metadata, Publish, Publisher, State, event_handler, testing::TestApp};

use super::{Script, Step, StepError};
use crate::support::{Task, task};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "composite.told", version = 1, unrouted = "ignore")]
struct Told {
    by: String,
}

fn told(by: &str) -> Publish<Told> {
    Publish(Told { by: by.to_owned() })
}

swit::composite!(tells, strategy = parallel, topic = "task.created", retries = 3, backoff = none);

#[event_handler(composite = tells, order = 1, name = "one")]
async fn tells_one(_task: Task, script: State<Script>) -> Result<Publish<Told>, StepError> {
    script.play("one").await?;
    Ok(told("one"))
}

#[event_handler(composite = tells, order = 2, name = "two")]
async fn tells_two(_task: Task, script: State<Script>) -> Result<Vec<Publish<Told>>, StepError> {
    script.play("two").await?;
    Ok(vec![told("two"), told("two again")])
}

#[event_handler(composite = tells, order = 3, name = "by-hand")]
async fn tells_by_hand(_task: Task, publisher: Publisher, script: State<Script>) -> Result<(), StepError> {
    publisher.publish(&told("by hand").0).await.unwrap();
    script.play("by-hand").await
}

#[tokio::test(start_paused = true)]
async fn what_is_returned_is_published_once_and_ids_repeat_with_attempts() {
    let script = Script::default().with("one", &[Step::Fail]).with("by-hand", &[Step::Fail, Step::Fail]);
    let app = TestApp::start(App::only::<(tells,)>().provide(script)).await.unwrap();
    let input = app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let mut published: Vec<(String, MessageId)> = app
        .published_to("composite.told")
        .into_iter()
        .map(|message| {
            assert_eq!(message.causation_id.as_ref(), Some(&input));
            (serde_json::from_slice::<Told>(&message.payload).unwrap().by, message.id)
        })
        .collect();
    published.sort_by(|a, b| a.0.cmp(&b.0));
    let id = |handler, ordinal| MessageId::derived_in(&input, "tells", Some(handler), ordinal);
    let expected = [
        ("by hand", id("by-hand", 0)),
        ("by hand", id("by-hand", 0)), // its three attempts
        ("by hand", id("by-hand", 0)),
        ("one", id("one", 0)),
        ("two", id("two", 0)),
        ("two again", id("two", 1)),
    ];
    assert_eq!(published, expected.map(|(by, id)| (by.to_owned(), id)));
    app.shutdown().await.unwrap();
}

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "composite.unheard", version = 1, unrouted = "error")]
struct Unheard;

swit::composite!(speaks_up, strategy = parallel, topic = "task.created", retries = 1, backoff = none);

#[event_handler(composite = speaks_up, order = 1)]
async fn is_not_heard(_task: Task) -> Publish<Unheard> {
    Publish(Unheard)
}

#[event_handler(composite = speaks_up, order = 2)]
async fn is_heard(_task: Task, meta: Metadata) -> Publish<Told> {
    told(&format!("attempt {}", meta.attempt))
}

#[tokio::test(start_paused = true)]
async fn one_whose_events_are_refused_is_not_done() {
    let app = TestApp::start(App::only::<(speaks_up,)>()).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.published::<Told>().iter().map(|told| &*told.by).collect::<Vec<_>>(), ["attempt 1"]);
    let dead = app.dead_letters("speaks-up");
    assert_eq!(dead.len(), 1);
    assert!(dead[0].error.starts_with("`is-not-heard`: ") && dead[0].error.contains("composite.unheard"), "{dead:?}");
    assert_eq!(dead[0].message.headers.get_str("x-swit-done"), Some("service.speaks-up: is-heard"));
    app.shutdown().await.unwrap();
}
