//! What one handler does to itself does nothing to the others.

use std::{panic::panic_any, time::Duration};

use swit::{App, Context, ErrorAction, FromDelivery, State, event_handler, testing::TestApp};

use super::{Script, Step, StepError, all_or_none, at_once, start};
use crate::support::{Journal, Task, task};

#[tokio::test(start_paused = true)]
async fn a_panic_is_the_failure_of_its_handler_alone() {
    let script = Script::default().with("a", &[Step::Panic]).with("c", &[Step::Panic; 4]);
    let app = start::<(at_once,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(["a starts", "b starts", "c starts"].map(|line| script.count(line)), [2, 1, 4]);
    let dead = app.dead_letters("at-once");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "max_retries_exceeded", 4));
    assert_eq!(dead[0].error, "`c`: the handler panicked: c panics");
    app.shutdown().await.unwrap();
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "dropped");
    }
}

/// Panics when what it panicked with is dropped.
struct Payload {
    _bomb: Bomb,
}

swit::composite!(careless, strategy = parallel, topic = "task.created", retries = 1, backoff = none);

#[event_handler(composite = careless, order = 1)]
async fn drops_badly_at_its_end(_task: Task, journal: State<Journal>) {
    let _bomb = Bomb;
    tokio::task::yield_now().await;
    journal.note("ends badly");
}

#[event_handler(composite = careless, order = 2)]
async fn panics_with_a_bomb(task: Task, journal: State<Journal>) {
    journal.note("throws");
    if task.text == "bombs" {
        panic_any(Payload { _bomb: Bomb });
    }
}

async fn panics_itself(_cx: &Context, _error: &StepError) -> ErrorAction {
    panic!("on_error")
}

#[event_handler(composite = careless, order = 3, on_error = panics_itself)]
async fn asks_badly(task: Task, journal: State<Journal>) -> Result<(), StepError> {
    journal.note("asks");
    if task.text == "bombs" { Err(StepError::Never("asks-badly")) } else { Ok(()) }
}

#[event_handler(composite = careless, order = 4)]
async fn stays_calm(_task: Task, journal: State<Journal>) {
    journal.note("calm");
}

#[tokio::test(start_paused = true)]
async fn whatever_panics_the_others_run_on_and_the_worker_lives() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(careless,)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("bombs")).await.unwrap();
    app.wait_quiet().await;
    let count = |line: &str| journal.lines().iter().filter(|written| *written == line).count();
    assert_eq!([count("calm"), count("throws"), count("ends badly"), count("asks")], [1, 2, 2, 1]);
    let dead = app.dead_letters("careless");
    assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "max_retries_exceeded"), "that of the first by order");
    assert_eq!(
        dead[0].error,
        "`drops-badly-at-its-end`: the handler panicked: dropped; \
         `panics-with-a-bomb`: the handler panicked: a value that is not text; \
         `asks-badly`: `asks-badly` never will"
    );
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(count("calm"), 2);
    app.shutdown().await.unwrap();
}

swit::composite!(cancels, strategy = fail_fast, topic = "task.created", retries = 1, backoff = none);

#[event_handler(composite = cancels, order = 1)]
async fn explodes_if_cancelled(task: Task, journal: State<Journal>) {
    journal.note("waits");
    let bomb = Bomb;
    if task.text == "x" && journal.lines().len() < 2 {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    std::mem::forget(bomb);
    journal.note("waited");
}

async fn thinks_for_ever(cx: &Context, _error: &StepError) -> ErrorAction {
    if cx.attempt() == 1 {
        std::future::pending::<()>().await;
    }
    ErrorAction::DeadLetter("thought".into())
}

#[event_handler(composite = cancels, order = 2, on_error = thinks_for_ever)]
async fn is_cancelled_while_it_asks(_task: Task) -> Result<(), StepError> {
    Err(StepError::Busy("is-cancelled"))
}

#[event_handler(composite = cancels, order = 3)]
async fn cancels_the_others(_task: Task, journal: State<Journal>) -> Result<(), StepError> {
    if journal.lines().len() < 2 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        return Err(StepError::Busy("cancels"));
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_is_cancelled_in_on_error_has_failed_and_destructors_may_panic() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(cancels,)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["waits", "waits", "waited"]);
    let counts = app.stats_of("cancels").unwrap().counts;
    assert_eq!((counts.attempts, counts.failed, counts.handlers_failed), (2, 2, 3));
    let dead = app.dead_letters("cancels");
    assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "thought"));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_cancels_them_and_the_message_stays() {
    let script = Script::default().with("a", &[Step::Hang]);
    let app = start::<(all_or_none,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let _ = app.shutdown_within(Duration::from_secs(1)).await;
    assert_eq!(script.count("a dropped"), 1);
}

/// Asks for something to be done once it is confirmed.
struct Afterwards;

impl FromDelivery for Afterwards {
    type Rejection = swit::Failure;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Self::Rejection> {
        let journal = cx.scope().get::<Journal>().unwrap();
        let attempt = cx.attempt();
        cx.on_confirmed(async move {
            tokio::task::yield_now().await;
            journal.note(format!("confirmed in {attempt}"));
        });
        Ok(Self)
    }
}

swit::composite!(confirms, strategy = parallel, topic = "task.created", retries = 2, backoff = none);

#[event_handler(composite = confirms, order = 1)]
async fn is_confirmed(_task: Task, _after: Afterwards, journal: State<Journal>) {
    journal.note("done");
}

#[event_handler(composite = confirms, order = 2)]
async fn fails_twice(_task: Task, _after: Afterwards, meta: swit::Metadata) -> Result<(), StepError> {
    if meta.attempt < 3 { Err(StepError::Busy("fails-twice")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_the_confirmation_is_done_once_its_handler_is() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(confirms,)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["done", "confirmed in 1", "confirmed in 3"]);
    app.shutdown().await.unwrap();
}
