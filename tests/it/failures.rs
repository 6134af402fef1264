//! Panics, timeouts and payloads that nobody can read: each ends its attempt, none its worker.

use std::time::Duration;

use swit::{App, Event, Message, State, subscriber, testing::TestApp};
use tokio::time::Instant;

use crate::support::{Journal, Task, task};

#[subscriber(topic = "task.created", retries = 1, backoff = none)]
async fn panics(task: Task) {
    match task.text.as_str() {
        "text" => panic!("with text"),
        "value" => std::panic::panic_any(7),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_panics_costs_no_worker() {
    let app = TestApp::start(App::only::<(panics,)>()).await.unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    for n in 0..2_000 {
        app.publish(&task(if n % 2 == 0 { "text" } else { "value" })).await.unwrap();
    }
    app.publish(&task("fine")).await.unwrap();
    app.wait_quiet().await;
    std::panic::set_hook(hook);
    let dead = app.dead_letters("panics");
    assert_eq!(dead.len(), 2_000);
    assert!(dead.iter().all(|letter| letter.reason == "max_retries_exceeded" && letter.attempts == 2));
    assert_eq!(dead[0].error, "the handler panicked: with text");
    assert_eq!(dead[1].error, "the handler panicked: a value that is not text");
    assert_eq!(app.stats_of("panics").unwrap().counts.succeeded, 1);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 0, timeout = "2s")]
async fn takes_long(task: Task) {
    if task.text == "long" {
        tokio::time::sleep(Duration::from_mins(1)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_cancels_the_attempt() {
    let app = TestApp::start(App::only::<(takes_long,)>()).await.unwrap();
    let began = Instant::now();
    app.publish(&task("long")).await.unwrap();
    app.publish(&task("short")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(began.elapsed().as_secs(), 2);
    let dead = app.dead_letters("takes-long");
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].error, "the attempt took longer than its timeout of 2s");
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created")]
async fn reads_tasks(task: Task, journal: State<Journal>) {
    journal.note(task.text);
}

#[subscriber(topic = "task.created")]
async fn reads_results(task: Result<Task, swit::DecodeError>, journal: State<Journal>) {
    journal.note(if task.is_ok() { "ok" } else { "undecodable" });
}

#[tokio::test(start_paused = true)]
async fn poison_is_dead_lettered_at_the_first_attempt() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(reads_tasks,)>().provide(journal.clone())).await.unwrap();
    let deep = format!("{{\"key\": \"k\", \"text\": \"x\", \"unknown\": {}}}", "[".repeat(100_000));
    for poison in [&b"{"[..], b"", b"[1, 2]", b"\xff\xfe", deep.as_bytes(), b"{\"key\": 1, \"text\": \"x\"}"] {
        app.publish_to("task.created", Message::new("", poison.to_vec())).await.unwrap();
    }
    let xml = Message::new("", "<a/>").with_content_type("application/xml");
    app.publish_to("task.created", xml).await.unwrap();
    app.publish(&task("fine")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("reads-tasks");
    assert_eq!(dead.len(), 7);
    assert!(dead.iter().all(|letter| letter.reason == "invalid_input" && letter.attempts == 1));
    assert!(dead.iter().all(|letter| letter.error.len() <= 4_096 && !letter.error.contains('\n')));
    assert_eq!(&dead[3].message.payload[..], b"\xff\xfe", "the whole body is kept");
    assert!(dead[6].error.contains("application/xml"));
    assert_eq!(journal.lines(), ["fine"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_the_decode_error_gets_it() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(reads_results,)>().provide(journal.clone())).await.unwrap();
    app.publish_to("task.created", Message::new("", "{")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["undecodable"]);
    assert!(app.dead_letters("reads-results").is_empty());
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_newer_version_is_refused_and_says_so() {
    let app = TestApp::start(App::only::<(reads_tasks,)>().provide(Journal::default())).await.unwrap();
    let mut message = task("x").encode().unwrap();
    message.version = 9;
    app.publish_to("task.created", message).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("reads-tasks");
    assert!(dead[0].error.contains("version 9"), "{}", dead[0].error);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_over_the_limits_never_reaches_a_handler() {
    let journal = Journal::default();
    let app =
        App::only::<(reads_tasks,)>().provide(journal.clone()).set("limits.payload", 1_000).set("limits.headers", 4);
    let app = TestApp::start(app).await.unwrap();
    assert!(app.publish(&task("x".repeat(1_000))).await.unwrap_err().to_string().contains("1000"));
    let many = (0..5).fold(task("x").encode().unwrap(), |message, n| message.with_header(format!("h{n}"), n));
    assert!(app.publish_to("task.created", many).await.is_err());
    app.shutdown().await.unwrap();
}

struct Bomb;

impl std::fmt::Debug for Bomb {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::fmt::Display for Bomb {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("an error that panics when it is shown")
    }
}

impl std::error::Error for Bomb {}

#[subscriber(topic = "task.created", retries = 0)]
async fn hostile_errors(task: Task) -> Result<(), Bomb> {
    if task.text == "bomb" { Err(Bomb) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_text_panics_is_still_only_an_error() {
    let app = TestApp::start(App::only::<(hostile_errors,)>()).await.unwrap();
    app.publish(&task("bomb")).await.unwrap();
    app.publish(&task("fine")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.dead_letters("hostile-errors").len(), 1);
    assert_eq!(app.stats_of("hostile-errors").unwrap().counts.succeeded, 1);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 0)]
async fn gives_up(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("no"))
}

#[subscriber(topic = "task.created", retries = 0, order_by = key, concurrency = 2)]
async fn gives_up_in_order(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("no"))
}

#[tokio::test(start_paused = true)]
async fn a_panic_outside_of_the_handler_costs_no_worker_either() {
    use std::sync::atomic::{AtomicU32, Ordering};
    // The clock is asked when the test publishes, and then for each dead letter: there it panics twice.
    let asked = AtomicU32::new(0);
    let clock = swit::Clock::injected(move || {
        assert!(!(1..=2).contains(&asked.fetch_add(1, Ordering::Relaxed)), "the clock panics");
        std::time::SystemTime::now()
    });
    let app = TestApp::start(App::only::<(gives_up, gives_up_in_order)>().clock(clock)).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    for subscriber in ["gives-up", "gives-up-in-order"] {
        assert_eq!(app.dead_letters(subscriber).len(), 1, "{subscriber}");
    }
    app.shutdown().await.unwrap();
}
