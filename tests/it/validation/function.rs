//! By a function, after decoding.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use swit::{
    App, Class, Classify, DecodeError, Event, Json, Message, State, error_classifier::ErrorClassifier, subscriber,
    testing::TestApp,
};

use crate::support::{Journal, Task, task};

/// Says of itself that it is to be tried again, which a refusal never is.
#[derive(Debug, thiserror::Error, Classify)]
#[error("the text is empty")]
#[class(transient, retries = 9)]
struct Empty;

fn not_empty(task: &Task) -> Result<(), Empty> {
    if task.text.is_empty() { Err(Empty) } else { Ok(()) }
}

#[subscriber(topic = "task.created", validate = not_empty, retries = 5)]
async fn careful(task: Task, journal: State<Journal>) {
    journal.note(task.text);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_is_dead_at_once_whatever_its_error_says() {
    let journal = Journal::default();
    let app = App::only::<(careful,)>()
        .provide(journal.clone())
        .provide(ErrorClassifier::new().on(|_: &Empty| Class::Throttle));
    let app = TestApp::start(app).await.unwrap();
    for text in ["one", "", "two"] {
        app.publish(&task(text)).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["one", "two"]);
    let dead = app.dead_letters("careful");
    assert_eq!((dead.len(), app.attempts("careful")), (1, 3));
    assert_eq!((dead[0].reason.as_str(), dead[0].attempts), ("invalid_input", 1));
    assert_eq!(dead[0].error, "`careful` refused the payload as invalid: the text is empty");
    app.shutdown().await.unwrap();
}

/// What is wrong, for people only: no error.
struct Why(u8);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is odd", self.0)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what validates is given a reference")]
fn is_even(number: &u8) -> Result<(), Why> {
    if number.is_multiple_of(2) { Ok(()) } else { Err(Why(*number)) }
}

#[subscriber(topic = "number", validate = is_even)]
async fn of_json(number: Json<u8>, journal: State<Journal>) {
    journal.note(format!("json {}", number.0));
}

#[subscriber(topic = "number", validate = is_even)]
async fn of_what_may_fail(journal: State<Journal>, number: Result<Json<u8>, DecodeError>) {
    journal.note(format!("result {:?}", number.map(|number| number.0).ok()));
}

fn is_short(bytes: &Bytes) -> Result<(), &'static str> {
    if bytes.len() < 9 { Ok(()) } else { Err("it is long") }
}

#[subscriber(topic = "number", validate = is_short)]
async fn of_bytes(bytes: Bytes, journal: State<Journal>) {
    journal.note(format!("bytes {}", bytes.len()));
}

#[tokio::test(start_paused = true)]
async fn every_payload_can_be_validated_and_a_failure_to_decode_is_the_handlers() {
    let journal = Journal::default();
    let app = App::only::<(of_json, of_what_may_fail, of_bytes)>().provide(journal.clone());
    let app = TestApp::start(app).await.unwrap();
    for body in ["2", "3", "not a number"] {
        app.publish_to("number", Message::new("", body)).await.unwrap();
    }
    app.wait_quiet().await;
    let mut lines = journal.lines();
    lines.sort_unstable();
    assert_eq!(lines, ["bytes 1", "bytes 1", "json 2", "result None", "result Some(2)"]);
    for (subscriber, expected) in [("of-json", 2), ("of-what-may-fail", 1), ("of-bytes", 1)] {
        let dead = app.dead_letters(subscriber);
        assert_eq!(dead.len(), expected, "{subscriber}");
        assert!(dead.iter().all(|dead| dead.reason == "invalid_input" && dead.attempts == 1));
    }
    assert_eq!(app.dead_letters("of-json")[0].error, "`of-json` refused the payload as invalid: 3 is odd");
    app.shutdown().await.unwrap();
}

#[derive(Debug, Serialize, Deserialize, Event)]
#[event(topic = "task.closed", version = 1)]
struct Closed {
    key: String,
}

#[derive(Debug, Event)]
enum Any {
    Created(Task),
    Closed(Closed),
}

fn has_key(any: &Any) -> Result<(), String> {
    let key = match any {
        Any::Created(task) => &task.key,
        Any::Closed(closed) => &closed.key,
    };
    if key.is_empty() { Err("it has no key".to_owned()) } else { Ok(()) }
}

#[subscriber(validate = has_key, blocking)]
#[expect(clippy::needless_pass_by_value, reason = "handlers own their arguments")]
fn of_an_enum(any: Any, journal: State<Journal>) {
    journal.note(if matches!(any, Any::Created(_)) { "created" } else { "closed" });
}

#[tokio::test]
async fn an_enum_of_events_is_given_whole_and_blocking_handlers_too() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(of_an_enum,)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.publish(&Closed { key: String::new() }).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["created"]);
    assert_eq!(app.dead_letters("of-an-enum")[0].error, "`of-an-enum` refused the payload as invalid: it has no key");
    app.shutdown().await.unwrap();
}
