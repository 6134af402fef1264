//! What ends a batch from outside: panics, timeouts, pauses, the shutdown, breakers, rate limits.

use std::{sync::Arc, time::Duration};

use swit::{App, Batch, BatchOutcome, Metadata, State, Subscription, subscriber, testing::TestApp};
use tokio::time::{Instant, sleep};

use super::{Calls, publish};
use crate::support::{Task, keyed};

fn depth(app: &TestApp, name: &str) -> Option<usize> {
    let inspect = app.running().inspect("default").unwrap();
    let queue = inspect.queues().into_iter().find(|queue| queue.ends_with(name)).unwrap();
    inspect.depth(&queue)
}

#[subscriber(topic = "task.created", batch(max = 5, within = "20ms"), timeout = "1s", retries = 2, backoff = fixed("50ms"))]
async fn stumbles(tasks: Batch<Task>, calls: State<Calls>) {
    calls.note(&tasks);
    for task in &tasks {
        match task.text.as_str() {
            "panic" => panic!("on purpose"),
            "hang" => std::future::pending().await,
            _ => {}
        }
    }
}

#[tokio::test(start_paused = true)]
async fn panics_and_timeouts_end_a_batch_and_no_worker() {
    for (text, error) in [("panic", "on purpose"), ("hang", "timeout of 1s")] {
        let app = TestApp::start(App::only::<(stumbles,)>().provide(Calls::default())).await.unwrap();
        let calls = app.running().scope().get::<Calls>().unwrap();
        publish(&app, 0..4).await;
        app.publish(&keyed("k", text)).await.unwrap();
        app.wait_quiet().await;
        assert_eq!(calls.sizes(), [5, 5, 1, 1, 1, 1, 1]);
        let letters = app.dead_letters("stumbles");
        assert_eq!((letters.len(), letters[0].attempts), (1, 3));
        assert!(letters[0].error.contains(error), "{}", letters[0].error);
        publish(&app, 4..9).await;
        app.wait_quiet().await;
        assert_eq!(calls.sizes().last(), Some(&5), "it goes on");
        let counts = app.stats_of("stumbles").unwrap().counts.clone();
        assert_eq!((counts.attempts, counts.succeeded, counts.failed), (20, 9, 11));
        app.shutdown().await.unwrap();
    }
}

#[subscriber(topic = "task.created", batch(max = 5, within = "10s"), timeout = "1m")]
async fn slow(tasks: Batch<Task>, calls: State<Calls>) {
    sleep(Duration::from_secs(5)).await;
    calls.note(&tasks);
}

#[tokio::test(start_paused = true)]
async fn the_shutdown_waits_for_what_runs_and_gives_back_what_is_collected() {
    let app = TestApp::start(App::only::<(slow,)>().provide(Calls::default())).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    publish(&app, 0..8).await;
    sleep(Duration::from_secs(1)).await;
    let handle = app.running().handle();
    let began = Instant::now();
    handle.unsubscribe("slow").await.unwrap();
    assert_eq!((calls.sizes(), began.elapsed().as_secs()), (vec![5], 4), "the one that runs");
    assert_eq!(depth(&app, ".slow"), Some(3));
    // Of what was only collected nothing was attempted, and nobody waits for its time.
    handle.subscribe_to::<slow>(Subscription::as_written()).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let again = Instant::now();
    handle.unsubscribe("slow").await.unwrap();
    assert!(again.elapsed() < Duration::from_millis(10), "{:?}", again.elapsed());
    assert_eq!((calls.sizes(), depth(&app, ".slow")), (vec![5], Some(3)));
    let inspect = app.running().inspect("default").unwrap();
    let queue = inspect.queues().into_iter().find(|queue| queue.ends_with(".slow")).unwrap();
    let texts = inspect.browse(&queue, 10);
    assert_eq!(texts.len(), 3);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pause_gives_back_what_is_collected() {
    let app = TestApp::start(App::only::<(slow,)>().provide(Calls::default())).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    publish(&app, 0..3).await;
    sleep(Duration::from_secs(1)).await;
    assert!(app.pause("slow"));
    sleep(Duration::from_millis(1)).await;
    assert_eq!(app.attempts("slow"), 0);
    // Those that come while it is paused are in the batch, and those that were collected in front of them.
    sleep(Duration::from_mins(10)).await;
    publish(&app, 3..5).await;
    assert_eq!(depth(&app, ".slow"), Some(5));
    assert!(app.resume("slow"));
    app.wait_quiet().await;
    assert_eq!(calls.texts(), [["0", "1", "2", "3", "4"]]);
    assert_eq!(app.stats_of("slow").unwrap().counts.redelivered, 0);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", batch(max = 5, within = "10s"), retries = 3, backoff = fixed("500ms"))]
async fn again(tasks: Batch<Task>, calls: State<Calls>) -> BatchOutcome {
    calls.note(&tasks);
    tasks.each(async |task| if task.attempt() < 3 { Err("again") } else { Ok(()) }).await
}

#[tokio::test(start_paused = true)]
async fn a_pause_forgets_no_attempt_of_what_was_collected_for_its_retry() {
    let app = TestApp::start(App::only::<(again,)>().provide(Calls::default())).await.unwrap();
    publish(&app, 0..5).await;
    // All have failed once, and wait in the next batch, which is one short.
    sleep(Duration::from_secs(1)).await;
    assert_eq!(app.attempts("again"), 10, "five at once, twice");
    sleep(Duration::from_secs(1)).await;
    assert_eq!(app.attempts("again"), 15);
    publish(&app, 5..6).await;
    sleep(Duration::from_secs(11)).await;
    assert_eq!(app.attempts("again"), 16);
    sleep(Duration::from_secs(1)).await;
    // Collected, for its second attempt.
    assert!(app.pause("again"));
    sleep(Duration::from_secs(1)).await;
    assert!(app.resume("again"));
    app.wait_quiet().await;
    assert_eq!(app.attempts("again"), 18, "each has its three");
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", batch(max = 4, within = "20ms"), concurrency = 3)]
async fn three_at_once(tasks: Batch<Task>, calls: State<Calls>) {
    calls.note(&tasks);
    sleep(Duration::from_secs(1)).await;
}

#[tokio::test(start_paused = true)]
async fn as_many_batches_as_workers() {
    let app = TestApp::start(App::only::<(three_at_once,)>().provide(Calls::default())).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    publish(&app, 0..24).await;
    sleep(Duration::from_millis(500)).await;
    assert_eq!(app.attempts("three-at-once"), 12);
    app.wait_quiet().await;
    assert_eq!(calls.sizes(), [4; 6]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_configuration_changes_its_numbers() {
    let changed = "[subscriber.three-at-once]\nconcurrency = 1\nbatch = { max = 6, within = '1s' }";
    let app = App::only::<(three_at_once,)>().config_text("swit.toml", changed).provide(Calls::default());
    let app = TestApp::start(app).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    publish(&app, 0..9).await;
    app.wait_quiet().await;
    assert_eq!(calls.sizes(), [6, 3]);
    app.shutdown().await.unwrap();

    for (text, error) in [
        ("batch = { max = 1 }", "`batch`: `max` is 1"),
        ("batch = { within = '2m' }", "`batch`: `within` is 2m"),
        ("prefetch = 11", "`prefetch` (11) is below `max` times `concurrency` (4 x 3)"),
        ("concurrency = 60000", "`max` times `concurrency` (4 x 60000) is above 65535"),
        ("retries = 0", "`batch` needs a retry"),
        ("batch = false", "`false` is not a table"),
        ("batch = { most = 5 }", "there is no key `most`"),
    ] {
        let text = format!("[subscriber.three-at-once]\n{text}");
        let app = App::only::<(three_at_once,)>().config_text("swit.toml", &text).provide(Calls::default());
        let found = app.check().unwrap_err().to_string();
        assert!(found.contains(error) && found.contains("swit.toml"), "{text}: {found}");
    }
    let app = App::only::<(single,)>().config_text("swit.toml", "[subscriber.single.batch]\nmax = 5");
    let found = app.check().unwrap_err().to_string();
    assert!(found.contains("it handles one message at a time"), "{found}");
}

#[subscriber(topic = "task.created")]
async fn single(_task: Task, _meta: Metadata) {}

#[swit::middleware(global = false)]
async fn nosy(cx: &mut swit::Context, next: swit::Next<'_>) -> swit::Outcome {
    next.run(cx).await
}

#[swit::middleware(order = 5, except = ["slow"])]
async fn spares_slow(cx: &mut swit::Context, next: swit::Next<'_>) -> swit::Outcome {
    next.run(cx).await
}

struct Plain;

impl swit::Middleware for Plain {
    fn handle<'a>(
        &'a self,
        cx: &'a mut swit::Context,
        next: swit::Next<'a>,
    ) -> swit::transport::BoxFuture<'a, swit::Outcome> {
        next.run(cx)
    }
}

#[tokio::test(start_paused = true)]
async fn middleware_that_would_be_left_out_does_not_start() {
    let app = || App::only::<(slow, single)>().with_middleware::<spares_slow>().provide(Calls::default());
    app().check().unwrap();
    let app = || app().middleware("audit", 1, Plain);
    let found = app().check().unwrap_err().to_string();
    assert!(found.contains("`slow` takes its messages in batches, and the middleware `audit`"), "{found}");
    assert!(!found.contains("spares-slow") && !found.contains("`single`"), "{found}");
    app().config_text("swit.toml", "[middleware.audit]\nexcept = ['slow']").check().unwrap();

    let app =
        TestApp::start(App::only::<(single,)>().require::<State<Calls>>().provide(Calls::default())).await.unwrap();
    let handle = app.running().handle();
    let policies = swit::Policies::new().middleware("mine", Plain).validate(|_| Ok::<_, String>(()));
    let error =
        handle.subscribe_to::<slow>(Subscription::as_written().policies(policies)).await.unwrap_err().to_string();
    assert!(error.contains("`mine`") && error.contains("`validation`"), "{error}");
    let error = handle.subscribe_to::<slow>(Subscription::as_written().ordered()).await.unwrap_err().to_string();
    assert!(error.contains("keeps no order"), "{error}");
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", batch(max = 10, within = "100ms"), rate_limit(per_second = 100, burst = 10))]
async fn limited(tasks: Batch<Task>, calls: State<Calls>) {
    calls.note(&tasks);
}

#[tokio::test(start_paused = true)]
async fn each_message_counts_for_the_rate_limit() {
    let app = TestApp::start(App::only::<(limited,)>().provide(Calls::default())).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    let began = Instant::now();
    publish(&app, 0..110).await;
    app.wait_quiet().await;
    let sizes = calls.sizes();
    assert_eq!(sizes.iter().sum::<usize>(), 110);
    let millis = began.elapsed().as_millis();
    assert!((1_000..1_020).contains(&millis), "ten at once, a hundred in a second: {millis}");
    assert!(sizes.len() < 15, "it waits for others, not for each: {sizes:?}");
    app.shutdown().await.unwrap();
}

#[subscriber(
    topic = "task.created", batch(max = 5, within = "10ms"), retries = 20, backoff = fixed("10ms"),
    circuit_breaker(failures = 3, reset = "10s", half_open = 2)
)]
async fn breaks(tasks: Batch<Task>, calls: State<Calls>, partner: State<Up>) -> Result<(), std::io::Error> {
    calls.note(&tasks);
    if partner.0.load(std::sync::atomic::Ordering::Relaxed) { Ok(()) } else { Err(std::io::Error::other("down")) }
}

#[derive(Debug, Default)]
struct Up(std::sync::atomic::AtomicBool);

#[tokio::test(start_paused = true)]
async fn a_batch_is_one_attempt_for_the_breaker_and_a_probe_is_one_message() {
    let up = Arc::new(Up::default());
    let app = App::only::<(breaks,)>().provide(Calls::default()).provide_shared(up.clone());
    let app = TestApp::start(app).await.unwrap();
    let calls = app.running().scope().get::<Calls>().unwrap();
    publish(&app, 0..50).await;
    sleep(Duration::from_secs(5)).await;
    assert_eq!(calls.sizes(), [5, 5, 5], "three batches failed, and it is open");
    sleep(Duration::from_secs(6)).await;
    assert_eq!(calls.sizes()[3..], [1], "a probe");
    up.0.store(true, std::sync::atomic::Ordering::Relaxed);
    app.wait_quiet().await;
    assert_eq!(calls.sizes()[4..6], [1, 1], "two probes");
    assert_eq!(calls.sizes()[6], 5);
    let counts = app.stats_of("breaks").unwrap().counts.clone();
    assert_eq!((counts.succeeded, counts.dead_lettered), (50, 0));
    app.shutdown().await.unwrap();
}
