//! One budget of attempts, in process and through delays; dead letters with everything in them.

use std::time::Duration;

use swit::{
    App, Backoff, Class, Classification, Classify, ErrorAction, Message, Metadata, Outcome, State, subscriber,
    testing::{Ending, TestApp},
};
use tokio::time::Instant;

use crate::support::{Journal, Task, task};

#[derive(Debug, thiserror::Error, Classify)]
enum TaskError {
    #[error("not now")]
    #[class(transient)]
    Busy,
    #[error("asked for too much")]
    #[class(throttle, retries = 1, backoff = fixed("10s"))]
    Throttled,
    #[error("makes no sense")]
    #[class(invalid_input)]
    Nonsense,
    #[error("never")]
    #[class(permanent)]
    Never,
}

fn fail(task: &Task) -> Result<(), TaskError> {
    match task.text.as_str() {
        "busy" => Err(TaskError::Busy),
        "throttled" => Err(TaskError::Throttled),
        "nonsense" => Err(TaskError::Nonsense),
        "never" => Err(TaskError::Never),
        _ => Ok(()),
    }
}

#[subscriber(topic = "task.created", retries = 3, backoff = fixed("100ms"))]
async fn short_waits(task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), TaskError> {
    journal.note(format!("{} {}", task.text, meta.attempt));
    fail(&task)
}

#[subscriber(topic = "task.created", retries = 2, backoff = fixed("60s"))]
async fn long_waits(task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), TaskError> {
    journal.note(format!("{} {}", task.text, meta.attempt));
    fail(&task)
}

#[subscriber(topic = "task.created")]
async fn by_class(task: Task) -> Result<(), TaskError> {
    fail(&task)
}

#[subscriber(topic = "task.created")]
async fn unclassified(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("who knows"))
}

async fn app(journal: &Journal) -> TestApp {
    TestApp::start(App::only::<(short_waits, long_waits)>().provide(journal.clone())).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn three_retries_are_four_attempts_and_then_a_dead_letter() {
    let app = TestApp::start(App::only::<(short_waits,)>().provide(Journal::default())).await.unwrap();
    let began = Instant::now();
    let id = app.publish(&task("busy")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(began.elapsed().as_millis() / 10, 30, "three waits of 100 ms");
    let attempts: Vec<u32> = app.calls("short-waits").iter().map(|call| call.attempt).collect();
    assert_eq!(attempts, [1, 2, 3, 4]);
    let dead = app.dead_letters("short-waits");
    assert_eq!(dead.len(), 1);
    let letter = &dead[0];
    assert_eq!(
        (letter.reason.as_str(), letter.error.as_str(), letter.attempts),
        ("max_retries_exceeded", "not now", 4)
    );
    let message = &letter.message;
    assert_eq!(message.id, id);
    assert_eq!(message.key.as_deref(), Some("k"));
    assert_eq!(&message.payload[..], serde_json::to_vec(&task("busy")).unwrap());
    let header = |name: &str| message.headers.get(name).unwrap().to_string();
    assert_eq!(header("x-original-topic"), "task.created");
    assert_eq!(header("x-dead-letter-subscriber"), "short-waits");
    assert_eq!(header("x-dead-letter-queue"), "service.short-waits");
    assert_eq!(header("x-dead-letter-group"), "service");
    assert_eq!(header("x-dead-letter-class"), "transient");
    assert!(header("x-dead-letter-time").ends_with('Z'));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn long_waits_go_through_the_transport_on_the_same_budget() {
    let journal = Journal::default();
    let app = app(&journal).await;
    let began = Instant::now();
    app.publish(&task("busy")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(began.elapsed().as_secs(), 120);
    assert_eq!(app.calls("long-waits").iter().map(|call| call.attempt).collect::<Vec<_>>(), [1, 2, 3]);
    let dead = app.dead_letters("long-waits");
    assert_eq!(dead[0].attempts, 3);
    assert!(dead[0].message.headers.get("x-swit-attempt").is_none(), "a replay starts anew");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_class_decides_where_nothing_is_written() {
    let app = TestApp::start(App::only::<(by_class, unclassified)>()).await.unwrap();
    for (text, attempts, reason) in
        [("busy", 6, "max_retries_exceeded"), ("nonsense", 1, "invalid_input"), ("never", 1, "permanent")]
    {
        let before = (app.attempts("by-class"), app.dead_letters("by-class").len());
        app.publish(&task(text)).await.unwrap();
        app.wait_quiet().await;
        assert_eq!(app.attempts("by-class") - before.0, attempts, "{text}");
        let dead = app.dead_letters("by-class");
        assert_eq!((dead.len(), dead.last().unwrap().reason.as_str()), (before.1 + 1, reason), "{text}");
    }
    // Nobody classified these: transient, with the default policy of three retries each.
    assert_eq!(app.attempts("unclassified"), 3 * 4);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_errors_own_retries_and_backoff_come_first() {
    let app = TestApp::start(App::only::<(by_class,)>()).await.unwrap();
    let began = Instant::now();
    app.publish(&task("throttled")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.attempts("by-class"), 2);
    assert_eq!(began.elapsed().as_secs(), 10);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_deployment_may_change_the_policy() {
    let app =
        App::only::<(by_class,)>().set("subscriber.by-class.retries", 1).set("subscriber.by-class.backoff", "none");
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("busy")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.attempts("by-class"), 2);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn at_most_a_quarter_of_the_prefetch_is_parked_and_nothing_is_lost() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(short_waits,)>().provide(journal.clone())).await.unwrap();
    // The default prefetch is 32, so that 8 can be parked: the others wait in the transport.
    for _ in 0..100 {
        app.publish(&task("busy")).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(app.attempts("short-waits"), 400);
    assert_eq!(app.dead_letters("short-waits").len(), 100);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 0)]
async fn no_retries(_task: Task) -> Result<(), TaskError> {
    Err(TaskError::Busy)
}

#[subscriber(topic = "task.created", retries = 0, dead_letter = false)]
async fn no_dead_letters(_task: Task) -> Result<(), TaskError> {
    Err(TaskError::Busy)
}

#[tokio::test(start_paused = true)]
async fn no_retries_and_no_dead_letters() {
    let app = TestApp::start(App::only::<(no_retries, no_dead_letters)>()).await.unwrap();
    app.publish(&task("busy")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.dead_letters("no-retries")[0].attempts, 1);
    assert!(app.dead_letters("no-dead-letters").is_empty());
    assert_eq!(app.stats_of("no-dead-letters").unwrap().counts.discarded, 1);
    app.shutdown().await.unwrap();
}

async fn decide(cx: &swit::Context, error: &TaskError) -> ErrorAction {
    match error {
        TaskError::Busy if cx.attempt() == 1 => ErrorAction::RetryAfter(Duration::from_secs(7)),
        TaskError::Busy => ErrorAction::Discard,
        TaskError::Nonsense => ErrorAction::Retry,
        TaskError::Never => ErrorAction::DeadLetter("mine".into()),
        TaskError::Throttled => ErrorAction::ByClass,
    }
}

#[subscriber(topic = "task.created", retries = 2, backoff = none, on_error = decide)]
async fn asks(task: Task) -> Result<(), TaskError> {
    fail(&task)
}

#[tokio::test(start_paused = true)]
async fn on_error_has_the_say() {
    let app = TestApp::start(App::only::<(asks,)>()).await.unwrap();
    for (text, attempts, reason) in [
        ("busy", 2, None),
        ("nonsense", 3, Some("max_retries_exceeded")),
        ("never", 1, Some("mine")),
        ("throttled", 2, Some("max_retries_exceeded")),
    ] {
        let before = (app.attempts("asks"), app.dead_letters("asks").len());
        app.publish(&task(text)).await.unwrap();
        app.wait_quiet().await;
        assert_eq!(app.attempts("asks") - before.0, attempts, "{text}");
        let dead = app.dead_letters("asks");
        assert_eq!(dead.get(before.1).map(|letter| letter.reason.as_str()), reason, "{text}");
    }
    assert_eq!(app.stats_of("asks").unwrap().counts.discarded, 1);
    app.shutdown().await.unwrap();
}

async fn fails_itself(_cx: &swit::Context, error: &TaskError) -> ErrorAction {
    assert!(!matches!(error, TaskError::Never), "on_error panics");
    std::future::pending::<()>().await;
    ErrorAction::Discard
}

#[subscriber(topic = "task.created", timeout = "5s", on_error = fails_itself)]
async fn asks_in_vain(task: Task) -> Result<(), TaskError> {
    fail(&task)
}

#[tokio::test(start_paused = true)]
async fn an_on_error_that_fails_leaves_the_error_to_its_class() {
    let app = TestApp::start(App::only::<(asks_in_vain,)>()).await.unwrap();
    for (text, reason, error) in [("never", "permanent", "never"), ("nonsense", "invalid_input", "makes no sense")] {
        app.publish(&task(text)).await.unwrap();
        app.wait_quiet().await;
        let dead = app.dead_letters("asks-in-vain");
        let letter = dead.last().unwrap();
        assert_eq!((letter.reason.as_str(), letter.error.as_str()), (reason, error));
    }
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 5, backoff = fixed("1s"))]
async fn returns_outcomes(task: Task, meta: Metadata) -> Outcome {
    match task.text.as_str() {
        "discard" => Outcome::discard("not mine"),
        "bury" => Outcome::dead_letter("unfit"),
        "later" if meta.attempt == 1 => Outcome::retry_after(Duration::from_secs(3)),
        _ => Outcome::success(),
    }
}

#[tokio::test(start_paused = true)]
async fn handlers_may_return_outcomes() {
    let app = TestApp::start(App::only::<(returns_outcomes,)>()).await.unwrap();
    for text in ["discard", "bury", "later", "ok"] {
        app.publish(&task(text)).await.unwrap();
    }
    app.wait_quiet().await;
    let counts = app.stats_of("returns-outcomes").unwrap().counts;
    assert_eq!((counts.discarded, counts.dead_lettered, counts.retries, counts.succeeded), (1, 1, 1, 2));
    assert_eq!(app.dead_letters("returns-outcomes")[0].reason, "unfit");
    app.shutdown().await.unwrap();
}

#[derive(Debug)]
struct Wrapped(TaskError);

impl std::fmt::Display for Wrapped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("wrapped")
    }
}

impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[subscriber(topic = "task.created")]
async fn boxes_errors(task: Task) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    fail(&task).map_err(|error| Box::new(Wrapped(error)).into())
}

#[tokio::test(start_paused = true)]
async fn a_classified_error_is_recognised_inside_a_box() {
    let app = TestApp::start(App::only::<(boxes_errors,)>()).await.unwrap();
    app.publish(&task("never")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("boxes-errors");
    assert_eq!((dead[0].reason.as_str(), dead[0].error.as_str()), ("permanent", "wrapped: never"));
    app.shutdown().await.unwrap();
}

#[derive(Debug, thiserror::Error)]
#[error("come back later")]
struct ComeBack;

impl Classify for ComeBack {
    fn classify(&self) -> Classification {
        Classification::new(Class::Throttle).with_backoff(Backoff::None).with_retry_after(Duration::from_secs(42))
    }
}

#[subscriber(topic = "task.created", retries = 1)]
async fn is_told_to_wait(_task: Task) -> Result<(), ComeBack> {
    Err(ComeBack)
}

#[tokio::test(start_paused = true)]
async fn the_wait_that_an_error_asks_for_is_kept() {
    let app = TestApp::start(App::only::<(is_told_to_wait,)>()).await.unwrap();
    let began = Instant::now();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(began.elapsed().as_secs(), 42);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_attempt_header_is_the_durable_part_of_the_budget() {
    // A foreign message, or one of a process that died: its header counts.
    let journal = Journal::default();
    let app = app(&journal).await;
    let message = Message::new("task.created", serde_json::to_vec(&task("busy")).unwrap());
    let transport = app.running().inspect("default").unwrap();
    assert_eq!(transport.depth("service.short-waits"), Some(0));
    assert!(app.publish_to("task.created", message.with_header("x-swit-attempt", 4)).await.is_err(), "it is ours");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn endings_are_recorded() {
    let app = TestApp::start(App::only::<(no_retries,)>()).await.unwrap();
    app.publish(&task("busy")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.calls("no-retries")[0].ending, Ending::Failed("not now".into()));
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", concurrency = 3, retries = 1, backoff = fixed("100ms"), timeout = "10m")]
async fn sometimes_slow(task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), TaskError> {
    if task.text == "slow" {
        if meta.attempt == 1 {
            return Err(TaskError::Busy);
        }
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
    journal.note(task.text);
    Ok(())
}

/// A worker that takes up a parked retry must not keep a wake-up that was meant for a new message.
#[tokio::test(start_paused = true)]
async fn a_worker_that_is_busy_with_a_retry_is_not_woken_for_others() {
    for slow in 1..=2 {
        let journal = Journal::default();
        let app = TestApp::start(App::only::<(sometimes_slow,)>().provide(journal.clone())).await.unwrap();
        for _ in 0..slow {
            app.publish(&task("slow")).await.unwrap();
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
        for n in 1..=5 {
            app.publish(&task("quick")).await.unwrap();
            tokio::time::sleep(Duration::from_secs(1)).await;
            assert_eq!(journal.lines().len(), n, "{slow} slow");
        }
        app.shutdown_within(Duration::from_secs(1)).await.unwrap_err();
    }
}

#[subscriber(topic = "task.created", retries = 1, backoff = fixed("10s"), dead_letter = "full-headers.dlq")]
async fn fails_with_full_headers(_task: Task) -> Result<(), TaskError> {
    Err(TaskError::Busy)
}

#[subscriber(queue = "full-headers.dlq", dead_letter = false)]
async fn reads_full_headers(message: bytes::Bytes, journal: State<Journal>) {
    journal.note(format!("{} bytes", message.len()));
}

#[tokio::test(start_paused = true)]
async fn what_settlement_adds_is_not_held_against_the_limits() {
    let journal = Journal::default();
    let app = App::only::<(fails_with_full_headers, reads_full_headers)>().provide(journal.clone());
    let app = TestApp::start(app.set("limits.headers", 3)).await.unwrap();
    let message = Message::new("", serde_json::to_vec(&task("x")).unwrap());
    let message = (0..3).fold(message, |message, n| message.with_header(format!("h{n}"), n));
    app.publish_to("task.created", message).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.attempts("fails-with-full-headers"), 2, "the delayed copy was taken");
    assert_eq!(journal.lines().len(), 1, "and so was the dead letter");
    app.shutdown().await.unwrap();
}
