//! Partial success: who succeeded is not run again, in process, through a delay, after a timeout and after a replay.

use swit::{App, Headers, Metadata, State, dead_letters::Selection, event_handler, testing::TestApp};

use super::{Script, Step, StepError, at_once, in_turn, ms, start};
use crate::support::{Task, task};

#[tokio::test(start_paused = true)]
async fn retries_in_process_run_the_missing_alone() {
    let script = Script::default().with("a", &[Step::Fail, Step::Fail]).with("b", &[Step::Fail]);
    let app = start::<(at_once,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let calls = ["a starts", "b starts", "c starts"].map(|line| script.count(line));
    assert_eq!(calls, [3, 2, 1]);
    assert_eq!(app.calls("at-once").iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    let counts = app.stats_of("at-once").unwrap().counts;
    assert_eq!((counts.failed, counts.succeeded, counts.handlers_failed), (2, 1, 3));
    app.shutdown().await.unwrap();
}

swit::composite!(through_delays, strategy = sequential, topic = "task.created", retries = 3, backoff = fixed("60s"));

#[event_handler(composite = through_delays, order = 1, name = "first")]
async fn first_of_delayed(_task: Task, script: State<Script>) -> Result<(), StepError> {
    script.play("first").await
}

#[event_handler(composite = through_delays, order = 2, name = "second")]
async fn second_of_delayed(
    _task: Task,
    headers: Headers,
    meta: Metadata,
    script: State<Script>,
) -> Result<(), StepError> {
    let header = |name: &str| headers.get_str(name).unwrap_or("nothing").replace('\n', " / ");
    script.journal.note(format!("{}: {}, {}", meta.attempt, header("x-swit-done"), header("x-swit-given-up")));
    script.play("second").await
}

#[event_handler(composite = through_delays, order = 3, name = "third")]
async fn third_of_delayed(_task: Task, script: State<Script>) -> Result<(), StepError> {
    script.play("third").await
}

#[tokio::test(start_paused = true)]
async fn a_delayed_copy_carries_who_is_done() {
    let script = Script::default().with("second", &[Step::Fail, Step::Fail]).with("third", &[Step::Fail]);
    let app = start::<(through_delays,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(
        script.lines(),
        [
            "first starts",
            "first ends",
            "1: nothing, nothing",
            "second starts",
            "second fails",
            "third starts",
            "third fails",
            "2: service.through-delays: first, nothing",
            "second starts",
            "second fails",
            "third starts",
            "third ends",
            "3: service.through-delays: first,third, nothing",
            "second starts",
            "second ends",
        ]
    );
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_that_is_given_up_waits_for_the_others_and_its_error_is_kept() {
    let script = Script::default().with("first", &[Step::Break]).with("second", &[Step::Fail, Step::Fail]);
    let app = start::<(through_delays,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let seen: Vec<_> = script.lines().into_iter().filter(|line| line.contains(": ")).collect();
    let given_up = "service.through-delays: / first\tpermanent\tpermanent\t`first` never will";
    assert_eq!(
        seen,
        [
            "1: nothing, nothing".to_owned(),
            format!("2: service.through-delays: third, {given_up}"),
            format!("3: service.through-delays: third, {given_up}"),
        ]
    );
    assert_eq!(["first", "second", "third"].map(|name| script.count(&format!("{name} starts"))), [1, 3, 1]);
    let dead = app.dead_letters("through-delays");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "permanent", 3));
    assert_eq!(dead[0].error, "`first`: `first` never will");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_tells_all_errors_and_its_replay_runs_the_missing_alone() {
    let script = Script::default().with("first", &[Step::Break]).with("third", &[Step::Fail; 4]);
    let app = start::<(through_delays,)>(&script).await;
    let id = app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("through-delays");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "permanent", 4));
    assert_eq!(dead[0].error, "`first`: `first` never will; `third`: `third` can't now");
    let headers = &dead[0].message.headers;
    assert_eq!(headers.get_str("x-swit-done"), Some("service.through-delays: second"));
    assert_eq!(headers.get_str("x-swit-given-up"), None);
    assert_eq!(headers.get_str("x-dead-letter-class"), Some("permanent"));

    let before = script.lines().len();
    let letters = app.running().dead_letters("default").unwrap();
    let replayed = letters.replay("service.through-delays.dlq", &Selection::all(), |_| {}).await.unwrap();
    assert_eq!(replayed.count(), 1);
    app.wait_quiet().await;
    assert_eq!(script.lines()[before..], ["first starts", "first ends", "third starts", "third ends"]);
    let last = app.calls("through-delays").pop().unwrap();
    assert_eq!((last.message_id, last.attempt), (id, 1));
    assert!(app.dead_letters("through-delays").is_empty());
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_timeout_in_the_middle_keeps_what_was_done() {
    let script = Script::default().with("a", &[Step::Last(ms(10))]).with("b", &[Step::Hang]);
    let app = start::<(in_turn,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(
        script.lines(),
        ["a starts", "a ends", "b starts", "b dropped", "b starts", "b ends", "c starts", "c ends"]
    );
    assert!(app.dead_letters("in-turn").is_empty());
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn timeouts_that_do_not_end_name_all_that_is_missing() {
    let script = Script::default().with("a", &[Step::Fail; 4]).with("b", &[Step::Hang; 4]);
    let app = start::<(in_turn,)>(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("in-turn");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "max_retries_exceeded", 4));
    assert_eq!(
        dead[0].error,
        "`a`: `a` can't now; `in-turn`: the attempt took longer than its timeout of 30s; cancelled: b, c"
    );
    app.shutdown().await.unwrap();
}

swit::composite!(
    renamed_at_runtime,
    strategy = parallel,
    topic = "task.created",
    enabled = false,
    retries = 1,
    backoff = none
);

#[event_handler(composite = renamed_at_runtime, order = 1, name = "left")]
async fn left(_task: Task, script: State<Script>) -> Result<(), StepError> {
    script.play("left").await
}

#[event_handler(composite = renamed_at_runtime, order = 2, name = "right")]
async fn right(_task: Task, script: State<Script>) -> Result<(), StepError> {
    script.play("right").await
}

#[tokio::test(start_paused = true)]
async fn a_composite_is_subscribed_at_runtime_as_any_subscriber() {
    let script = Script::default().with("left", &[Step::Fail]);
    let app = TestApp::start(App::only::<(renamed_at_runtime,)>().provide(script.clone())).await.unwrap();
    let handle = app.running().handle();
    let options = swit::Subscription::as_written().name("again");
    handle.subscribe_to::<renamed_at_runtime>(options).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(script.lines(), ["left starts", "left fails", "right starts", "right ends", "left starts", "left ends"]);
    let narrow = swit::Subscription::as_written().name("elsewhere").topic("task.deleted");
    let error = handle.subscribe_to::<renamed_at_runtime>(narrow).await.unwrap_err().to_string();
    assert!(
        error.contains("the event handler `left` takes `Task` of topic \"task.created\", but its composite"),
        "{error}"
    );
    app.shutdown().await.unwrap();
}
