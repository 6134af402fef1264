//! What becomes of each message: of one outcome for all, of one for each, of what never reaches the handler.

use std::time::Duration;

use swit::{
    App, Batch, BatchOutcome, Class, Classify, Config, ConfigSection, Message, Outcome, Publisher, State, subscriber,
    testing::{Ending, TestApp},
};
use tokio::time::{Instant, sleep};

use super::{Calls, publish};
use crate::support::{Journal, Task, keyed};

fn endings(app: &TestApp, subscriber: &str, text: &str) -> Vec<(u32, Ending)> {
    let id = app.published_to("task.created").into_iter().find(|message| text_of(message) == text).unwrap().id;
    let calls = app.calls(subscriber).into_iter().filter(|call| call.message_id == id);
    calls.map(|call| (call.attempt, call.ending)).collect()
}

fn text_of(message: &Message) -> String {
    serde_json::from_slice::<Task>(&message.payload).map_or_else(|_| String::new(), |task| task.text)
}

fn dead(app: &TestApp, subscriber: &str) -> Vec<(String, String, u32)> {
    let letters = app.dead_letters(subscriber).into_iter();
    letters.map(|letter| (text_of(&letter.message), letter.reason, letter.attempts)).collect()
}

#[subscriber(topic = "task.created", batch(max = 10, within = "20ms"), retries = 2, backoff = fixed("100ms"))]
async fn by_item(tasks: Batch<Task>, calls: State<Calls>) -> BatchOutcome {
    calls.note(&tasks);
    let mut outcome = tasks.outcome();
    for (index, task) in tasks.iter().enumerate() {
        match task.text.as_str() {
            "3" => drop(outcome.fail(index, std::io::Error::other("three is refused"))),
            "5" => drop(outcome.discard(index, "nobody wants it")),
            "7" => drop(outcome.dead_letter(index, "for_people")),
            _ => {}
        }
    }
    outcome
}

#[tokio::test(start_paused = true)]
async fn each_item_ends_by_its_own_outcome_and_budget() {
    let app = TestApp::start(App::only::<(by_item,)>().provide(Calls::default())).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    publish(&app, 0..10).await;
    app.wait_quiet().await;
    assert_eq!(calls.sizes(), [10, 1, 1], "the last attempt and the one before it");
    assert_eq!(
        dead(&app, "by-item"),
        [("7".to_owned(), "for_people".to_owned(), 1), ("3".to_owned(), "max_retries_exceeded".to_owned(), 3)]
    );
    let failed = || Ending::Failed("three is refused".to_owned());
    assert_eq!(endings(&app, "by-item", "3"), [(1, failed()), (2, failed()), (3, failed())]);
    assert_eq!(endings(&app, "by-item", "4"), [(1, Ending::Success)]);
    let counts = app.stats_of("by-item").unwrap().counts.clone();
    assert_eq!((counts.attempts, counts.succeeded, counts.failed, counts.retries), (12, 7, 4, 2));
    assert_eq!((counts.discarded, counts.dead_lettered), (1, 2));
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", batch(max = 10, within = "20ms"), retries = 3, backoff = fixed("100ms"))]
async fn poisoned(tasks: Batch<Task>, calls: State<Calls>) -> Result<(), std::io::Error> {
    calls.note(&tasks);
    if tasks.values().any(|task| task.text == "3") { Err(std::io::Error::other("three among them")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn one_that_spoils_every_batch_ends_alone() {
    let app = TestApp::start(App::only::<(poisoned,)>().provide(Calls::default())).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    publish(&app, 0..10).await;
    app.wait_quiet().await;
    assert_eq!(dead(&app, "poisoned"), [("3".to_owned(), "max_retries_exceeded".to_owned(), 4)]);
    assert!(calls.sizes().ends_with(&[1; 10]), "the last attempt at each is made alone: {:?}", calls.sizes());
    assert_eq!(endings(&app, "poisoned", "4").last(), Some(&(4, Ending::Success)));
    let counts = app.stats_of("poisoned").unwrap().counts.clone();
    assert_eq!((counts.succeeded, counts.dead_lettered, counts.attempts), (9, 1, 40));
    app.shutdown().await.unwrap();
}

#[derive(Debug, thiserror::Error, Classify)]
enum Never {
    #[error("never")]
    #[class(permanent)]
    Never,
    #[error("once more")]
    #[class(transient, retries = 1, backoff = fixed("50ms"))]
    Once,
}

#[subscriber(topic = "task.created", batch(max = 10, within = "20ms"))]
async fn never(tasks: Batch<Task>, calls: State<Calls>) -> Result<(), Never> {
    calls.note(&tasks);
    match tasks.values().find_map(|task| ["3", "once"].into_iter().find(|text| *text == task.text)) {
        Some("3") => Err(Never::Never),
        Some(_) => Err(Never::Once),
        None => Ok(()),
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_not_retried_condemns_nobody_beside_its_own() {
    let app = TestApp::start(App::only::<(never,)>().provide(Calls::default())).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    let began = Instant::now();
    publish(&app, 0..10).await;
    app.wait_quiet().await;
    assert_eq!(dead(&app, "never"), [("3".to_owned(), "permanent".to_owned(), 2)]);
    assert_eq!(calls.sizes(), [10, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1], "{:?}", calls.texts());
    assert!(began.elapsed() < Duration::from_millis(1), "at once: {:?}", began.elapsed());
    // One that says itself how often, and is given up sooner than the subscriber would.
    app.publish(&keyed("k", "once")).await.unwrap();
    publish(&app, 10..11).await;
    app.wait_quiet().await;
    assert_eq!(dead(&app, "never")[1..], [("once".to_owned(), "max_retries_exceeded".to_owned(), 3)]);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", batch(max = 10, within = "20ms"))]
async fn all_of_them(tasks: Batch<Task>, calls: State<Calls>) -> Outcome {
    calls.note(&tasks);
    if tasks[0].text == "0" { Outcome::dead_letter("asked_for") } else { Outcome::discard("not wanted") }
}

#[tokio::test(start_paused = true)]
async fn what_the_handler_asks_for_all_is_done_to_all() {
    let app = TestApp::start(App::only::<(all_of_them,)>().provide(Calls::default())).await.unwrap();
    publish(&app, 0..20).await;
    app.wait_quiet().await;
    let counts = app.stats_of("all-of-them").unwrap().counts.clone();
    assert_eq!((counts.dead_lettered, counts.discarded, counts.attempts), (10, 10, 20));
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", batch(max = 4, within = "20ms"), retries = 1, backoff = none)]
async fn miscounts(tasks: Batch<Task>) -> BatchOutcome {
    let too_many = tasks.iter().map(|_| Outcome::Success).chain([Outcome::Success]);
    if tasks[0].text == "stray" {
        let mut outcome = tasks.outcome();
        outcome.fail(9, "who?");
        return outcome;
    }
    too_many.collect()
}

#[tokio::test(start_paused = true)]
async fn a_wrong_number_of_outcomes_is_an_error_that_names_both() {
    let app = TestApp::start(App::only::<(miscounts,)>()).await.unwrap();
    publish(&app, 0..4).await;
    app.publish(&keyed("k", "stray")).await.unwrap();
    app.wait_quiet().await;
    let first = endings(&app, "miscounts", "0");
    let failed = |text: &str| Ending::Failed(text.to_owned());
    assert_eq!(first[0], (1, failed("the handler returned 5 outcomes for a batch of 4")));
    assert_eq!(first[1], (2, failed("the handler returned 2 outcomes for a batch of 1")), "alone");
    let stray = endings(&app, "miscounts", "stray");
    assert_eq!(stray[0].1, failed("the handler said what came of item 9, but the batch has 1 items, from 0"));
    assert_eq!(app.dead_letters("miscounts").len(), 5);
    app.shutdown().await.unwrap();
}

fn not_empty(task: &Task) -> Result<(), &'static str> {
    if task.text.is_empty() { Err("it is empty") } else { Ok(()) }
}

#[subscriber(topic = "task.created", batch(max = 10, within = "20ms"), validate = not_empty)]
async fn reads(tasks: Batch<Task>, calls: State<Calls>) {
    calls.note(&tasks);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_ends_by_itself() {
    let app = TestApp::start(App::only::<(reads,)>().provide(Calls::default())).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    publish(&app, 0..2).await;
    app.publish_to("task.created", Message::new("", "{")).await.unwrap();
    app.publish(&keyed("k", "")).await.unwrap();
    publish(&app, 2..4).await;
    app.wait_quiet().await;
    assert_eq!(calls.texts(), [["0", "1", "2", "3"]]);
    let letters = app.dead_letters("reads");
    assert_eq!(letters.iter().map(|letter| letter.reason.as_str()).collect::<Vec<_>>(), ["invalid_input"; 2]);
    assert!(letters[1].error.contains("it is empty"), "{}", letters[1].error);
    // Nothing is left: nobody is called.
    for _ in 0..3 {
        app.publish_to("task.created", Message::new("", "{")).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!((calls.sizes(), app.dead_letters("reads").len()), (vec![4], 5));
    let counts = app.stats_of("reads").unwrap().counts.clone();
    assert_eq!((counts.succeeded, counts.failed, counts.dead_lettered), (4, 5, 5));
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", batch(max = 10, within = "20ms"), retries = 2, backoff = fixed("50ms"))]
async fn one_by_one(tasks: Batch<Task>, journal: State<Journal>) -> BatchOutcome {
    tasks
        .each(async |task| {
            journal.note(format!("{} {} {:?}", task.text, task.attempt(), task.key().map(swit::Text::as_str)));
            tokio::task::yield_now().await;
            if task.text == "1" && task.attempt() < 3 { Err(std::io::Error::other("not yet")) } else { Ok(()) }
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn each_knows_its_number_and_its_metadata() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(one_by_one,)>().provide(journal.clone())).await.unwrap();
    publish(&app, 0..3).await;
    app.wait_quiet().await;
    let expected = ["0 1", "1 1", "2 1", "1 2", "1 3"].map(|line| format!("{line} Some(\"k\")"));
    assert_eq!(journal.lines(), expected);
    assert!(app.dead_letters("one-by-one").is_empty());
    app.shutdown().await.unwrap();
}

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize, swit::Event)]
#[event(topic = "task.stored", unrouted = "ignore")]
struct Stored {
    text: String,
}

#[derive(Debug, serde::Deserialize, ConfigSection)]
#[config(section = "store")]
struct Store {
    prefix: String,
}

#[subscriber(topic = "task.created", batch(max = 3, within = "20ms"), retries = 3, backoff = fixed("50ms"))]
async fn publishes(
    store: Config<Store>,
    tasks: Batch<Task>,
    publisher: Publisher,
    calls: State<Calls>,
) -> Result<(), swit::PublishError> {
    let call = calls.note(&tasks);
    for task in &tasks {
        let under = publisher.under(task);
        under.publish(&Stored { text: format!("{}{}", store.prefix, task.text) }).await?;
        publisher.under(task).publish(&Stored { text: format!("{}-again", task.text) }).await?;
    }
    // The first two attempts are made in other batches than the third.
    if call < 3 { Err(swit::PublishError::Closed) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn what_is_published_under_an_item_has_the_same_id_in_every_batch() {
    let app = App::only::<(publishes,)>().provide(Calls::default());
    let app = TestApp::start(app.config_text("swit.toml", "[store]\nprefix = 'a'")).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    publish(&app, 0..2).await;
    sleep(Duration::from_millis(30)).await;
    publish(&app, 2..4).await;
    app.wait_quiet().await;
    assert!(calls.texts().iter().any(|batch| batch.len() == 2) && calls.texts().len() >= 3, "{:?}", calls.texts());
    let stored = app.published_to("task.stored");
    let mut ids = std::collections::BTreeMap::<String, std::collections::BTreeSet<String>>::new();
    for message in &stored {
        let stored: Stored = serde_json::from_slice(&message.payload).unwrap();
        ids.entry(stored.text).or_default().insert(message.id.to_string());
        assert!(message.causation_id.is_some());
    }
    assert_eq!(ids.len(), 8);
    let all: std::collections::BTreeSet<_> = ids.values().flatten().collect();
    assert_eq!((ids.values().all(|ids| ids.len() == 1), all.len()), (true, 8), "{ids:?}");
    assert!(stored.len() > 8, "some were published more than once");
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", ack = "none", batch(max = 5, within = "20ms"))]
async fn at_most_once(tasks: Batch<Task>, calls: State<Calls>) -> Result<(), std::io::Error> {
    if calls.note(&tasks) == 1 { Err(std::io::Error::other("gone")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn without_a_verdict_what_fails_is_gone() {
    let app = TestApp::start(App::only::<(at_most_once,)>().provide(Calls::default())).await.unwrap();
    publish(&app, 0..10).await;
    app.wait_quiet().await;
    let counts = app.stats_of("at-most-once").unwrap().counts.clone();
    assert_eq!((counts.attempts, counts.succeeded, counts.failed, counts.discarded), (10, 5, 5, 5));
    app.shutdown().await.unwrap();
}

#[test]
fn classes_are_known_in_an_outcome() {
    let mut outcome = Batch::new([1]).outcome();
    outcome.fail(0, Never::Never);
    assert!(format!("{outcome:?}").contains(&format!("{:?}", Class::Permanent)), "{outcome:?}");
}
