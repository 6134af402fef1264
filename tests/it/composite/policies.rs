//! What is decided on each handler: `on_error`, budgets, discards, the app's error handler, rules, acknowledgement.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use swit::{
    App, Class, Classify, Context, Decision, ErrorAction, ErrorClassifier, ErrorHandler, FailedAttempt, Metadata,
    Outcome, State, event_handler, testing::TestApp, transport::BoxFuture,
};
use tokio::time::Instant;

use super::{Script, Step, all_or_none, at_once, start};
use crate::support::{Journal, Task, task};

#[derive(Debug, thiserror::Error, Classify)]
enum PartError {
    #[error("once more")]
    #[class(transient, retries = 1)]
    Briefly,
    #[error("again and again")]
    #[class(transient)]
    Long,
    #[error("it is the wrong one")]
    #[class(permanent)]
    Wrong,
}

async fn never_mind(_cx: &Context, error: &PartError) -> ErrorAction {
    assert!(matches!(error, PartError::Long));
    ErrorAction::Discard
}

async fn wait_for_it(cx: &Context, _error: &PartError) -> ErrorAction {
    if cx.attempt() == 1 { ErrorAction::RetryAfter(Duration::from_secs(40)) } else { ErrorAction::ByClass }
}

async fn bury(_cx: &Context, _error: &PartError) -> ErrorAction {
    ErrorAction::DeadLetter("buried".into())
}

swit::composite!(asks_each, strategy = sequential, topic = "task.created", retries = 5, backoff = fixed("100ms"));

#[event_handler(composite = asks_each, order = 1, on_error = never_mind)]
async fn is_let_go(_task: Task, journal: State<Journal>) -> Result<(), PartError> {
    journal.note("is-let-go");
    Err(PartError::Long)
}

#[event_handler(composite = asks_each, order = 2, on_error = wait_for_it)]
async fn is_waited_for(_task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), PartError> {
    journal.note("is-waited-for");
    if meta.attempt == 1 { Err(PartError::Wrong) } else { Ok(()) }
}

#[event_handler(composite = asks_each, order = 3, on_error = bury)]
async fn is_buried(task: Task, journal: State<Journal>) -> Result<(), PartError> {
    journal.note("is-buried");
    if task.text == "bury" { Err(PartError::Long) } else { Ok(()) }
}

#[event_handler(composite = asks_each, order = 4)]
async fn has_no_say(_task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), PartError> {
    journal.note("has-no-say");
    if meta.attempt == 1 { Err(PartError::Long) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn each_handler_is_asked_for_itself_and_the_longest_wait_is_waited() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(asks_each,)>().provide(journal.clone())).await.unwrap();
    let began = Instant::now();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(began.elapsed().as_secs(), 40);
    let expected = ["is-let-go", "is-waited-for", "is-buried", "has-no-say", "is-waited-for", "has-no-say"];
    assert_eq!(journal.lines(), expected);
    let counts = app.stats_of("asks-each").unwrap().counts;
    assert_eq!((counts.succeeded, counts.discarded, counts.handlers_failed), (1, 0, 3));

    app.publish(&task("bury")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines()[6..], expected, "who is given up is not tried again with the others");
    let dead = app.dead_letters("asks-each");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "buried", 2));
    assert_eq!(dead[0].error, "`is-buried`: again and again");
    app.shutdown().await.unwrap();
}

swit::composite!(has_budgets, strategy = parallel, topic = "task.created", retries = 3, backoff = none);

#[event_handler(composite = has_budgets, order = 1)]
async fn is_short(_task: Task, journal: State<Journal>) -> Result<(), PartError> {
    journal.note("short");
    Err(PartError::Briefly)
}

#[event_handler(composite = has_budgets, order = 2)]
async fn is_long(_task: Task, journal: State<Journal>) -> Result<(), PartError> {
    journal.note("long");
    Err(PartError::Long)
}

#[event_handler(composite = has_budgets, order = 3)]
async fn is_wrong(_task: Task, journal: State<Journal>) -> Result<(), PartError> {
    journal.note("wrong");
    Err(PartError::Wrong)
}

#[tokio::test(start_paused = true)]
async fn each_handler_has_the_budget_of_its_own_error() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(has_budgets,)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let lines = journal.lines();
    let count = |name: &str| lines.iter().filter(|line| *line == name).count();
    assert_eq!([count("short"), count("long"), count("wrong")], [2, 4, 1]);
    let dead = app.dead_letters("has-budgets");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "max_retries_exceeded", 4));
    assert_eq!(dead[0].error, "`is-short`: once more; `is-long`: again and again; `is-wrong`: it is the wrong one");
    app.shutdown().await.unwrap();
}

swit::composite!(wants_little, strategy = sequential, topic = "task.created", retries = 1, backoff = none);

#[event_handler(composite = wants_little, order = 1)]
async fn wants_nothing(_task: Task) -> Outcome {
    Outcome::discard("not for me")
}

#[event_handler(composite = wants_little, order = 2)]
async fn wants_some(task: Task, meta: Metadata) -> Outcome {
    match task.text.as_str() {
        "wanted" => Outcome::success(),
        "later" if meta.attempt == 1 => Outcome::retry_after(Duration::from_secs(5)),
        "dead" => Outcome::dead_letter("own words"),
        _ => Outcome::discard("nor for me"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_discarded_if_nobody_wants_it() {
    let app = TestApp::start(App::only::<(wants_little,)>()).await.unwrap();
    for (text, succeeded, discarded) in [("wanted", 1, 0), ("unwanted", 1, 1), ("later", 2, 1)] {
        app.publish(&task(text)).await.unwrap();
        app.wait_quiet().await;
        let counts = app.stats_of("wants-little").unwrap().counts;
        assert_eq!((counts.succeeded, counts.discarded), (succeeded, discarded), "{text}");
    }
    assert!(app.dead_letters("wants-little").is_empty());
    app.publish(&task("dead")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("wants-little");
    assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "own words"));
    app.shutdown().await.unwrap();
}

/// Discards what `a` fails with, and buries what `b` does; remembers what it was asked.
#[derive(Clone, Default)]
struct Says(Arc<Mutex<Vec<String>>>);

impl ErrorHandler for Says {
    fn decide<'a>(&'a self, failed: FailedAttempt<'a>) -> BoxFuture<'a, ErrorAction> {
        Box::pin(async move {
            let error = failed.failure.error().to_string();
            let planned = if matches!(failed.planned, Decision::Retry { .. }) { "retry" } else { "end" };
            self.0.lock().unwrap().push(format!("{} {error} {planned}", failed.receiver.subscriber));
            match error.as_str() {
                "`a` can't now" => ErrorAction::Discard,
                "`b` can't now" => ErrorAction::DeadLetter("said".into()),
                _ => ErrorAction::ByClass,
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn the_apps_error_handler_decides_on_each_handler() {
    let (says, script) = (Says::default(), Script::default());
    let script = script.with("a", &[Step::Fail]).with("b", &[Step::Fail]).with("c", &[Step::Fail]);
    let handler: Arc<dyn ErrorHandler> = Arc::new(says.clone());
    let app = App::only::<(at_once,)>().provide(script.clone()).provide(handler);
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let asked = says.0.lock().unwrap().clone();
    assert_eq!(asked, ["a", "b", "c"].map(|name| format!("at-once `{name}` can't now retry")));
    assert_eq!(["a starts", "b starts", "c starts"].map(|line| script.count(line)), [1, 1, 2]);
    let dead = app.dead_letters("at-once");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].error.as_str()), (1, "said", "`b`: `b` can't now"));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_was_cancelled_for_an_error_that_nobody_minds_has_its_turn() {
    let script = Script::default().with("a", &[Step::Fail]);
    let handler: Arc<dyn ErrorHandler> = Arc::new(Says::default());
    let app = App::only::<(all_or_none,)>().provide(script.clone()).provide(handler);
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(
        script.lines(),
        ["a starts", "a fails", "b starts", "b ends", "c starts", "c ends"],
        "`a` is let go, `b` and `c` were cancelled before they began"
    );
    assert!(app.dead_letters("all-or-none").is_empty());
    assert_eq!(app.stats_of("all-or-none").unwrap().counts.succeeded, 1);
    app.shutdown().await.unwrap();
}

#[derive(Debug, thiserror::Error)]
#[error("a foreign error")]
struct Foreign;

fn of_composites() -> ErrorClassifier {
    ErrorClassifier::empty().on(|_: &Foreign| Some(Class::Permanent))
}

swit::composite!(has_rules, strategy = parallel, topic = "task.created", classifier = of_composites);

#[event_handler(composite = has_rules, order = 1)]
async fn is_foreign(_task: Task) -> Result<(), Foreign> {
    Err(Foreign)
}

#[tokio::test(start_paused = true)]
async fn the_composites_rules_classify_its_handlers_errors() {
    let app = TestApp::start(App::only::<(has_rules,)>()).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("has-rules");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "permanent", 1));
    app.shutdown().await.unwrap();
}

swit::composite!(at_most_once, strategy = parallel, topic = "task.created", ack = "none");

#[event_handler(composite = at_most_once, order = 1, name = "once")]
async fn runs_once(_task: Task, script: State<Script>) -> Result<(), super::StepError> {
    script.play("once").await
}

#[tokio::test(start_paused = true)]
async fn without_acknowledgement_nothing_is_tried_again() {
    let script = Script::default().with("once", &[Step::Fail]);
    let app = start::<(at_most_once,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(script.lines(), ["once starts", "once fails"]);
    assert!(app.dead_letters("at-most-once").is_empty());
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deployment_may_change_the_policy() {
    let script = Script::default().with("a", &[Step::Fail; 9]);
    let app = App::only::<(at_once,)>().provide(script.clone()).set("subscriber.at-once.retries", 1);
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(["a starts", "b starts"].map(|line| script.count(line)), [2, 1]);
    assert_eq!(app.dead_letters("at-once").len(), 1);
    app.shutdown().await.unwrap();
}
