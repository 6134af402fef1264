//! Providers up in order and down in reverse; shutdown that drains, and one that has to stop waiting.

use std::{sync::Arc, time::Duration};

use swit::{App, Error, Publisher, State, provider, subscriber, testing::TestApp};
use tokio::{sync::Notify, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::support::{Journal, Task, task};

struct Pool(Journal);
struct Orders(Journal);
struct Mail(Journal);
struct Broken;

impl Pool {
    async fn close(&self) {
        self.0.note("pool closed");
    }
}

impl Orders {
    async fn close(&self) -> Result<(), std::io::Error> {
        self.0.note("orders closed");
        Err(std::io::Error::other("a provider that can't close does not keep the others open"))
    }
}

impl Mail {
    async fn close(&self) {
        self.0.note("mail closed");
    }
}

#[provider(close = Mail::close)]
async fn open_mail(
    journal: State<Journal>,
    _orders: State<Orders>,
    _publisher: Publisher,
) -> Result<Mail, std::io::Error> {
    journal.note("mail");
    Ok(Mail(Journal::clone(&journal)))
}

#[provider(close = Orders::close)]
async fn open_orders(journal: State<Journal>, _pool: State<Pool>) -> Result<Orders, std::io::Error> {
    journal.note("orders");
    Ok(Orders(Journal::clone(&journal)))
}

#[provider(close = Pool::close)]
async fn open_pool(journal: State<Journal>) -> Result<Pool, std::io::Error> {
    journal.note("pool");
    Ok(Pool(Journal::clone(&journal)))
}

#[provider]
async fn break_down(_mail: State<Mail>) -> Result<Broken, std::io::Error> {
    Err(std::io::Error::other("out of order"))
}

#[subscriber(topic = "task.created")]
async fn uses_mail(_task: Task, _mail: State<Mail>) {}

#[subscriber(topic = "task.created")]
async fn uses_broken(_task: Task, _broken: State<Broken>) {}

fn with_providers(app: App, journal: &Journal) -> App {
    app.with_provider_of::<Mail>().with_provider_of::<Pool>().with_provider_of::<Orders>().provide(journal.clone())
}

#[tokio::test]
async fn providers_come_up_in_order_and_go_down_in_reverse() {
    let journal = Journal::default();
    let running = with_providers(App::only::<(uses_mail,)>(), &journal).start().await.unwrap();
    assert_eq!(journal.lines(), ["pool", "orders", "mail"]);
    running.shutdown().await.unwrap();
    assert_eq!(journal.lines()[3..], ["mail closed", "orders closed", "pool closed"]);
}

#[tokio::test]
async fn a_provider_that_fails_takes_down_what_was_built() {
    let journal = Journal::default();
    let app = with_providers(App::only::<(uses_broken,)>().with_provider_of::<Broken>(), &journal);
    let error = app.start().await.expect_err("it does not start");
    let text = error.to_string();
    assert!(text.starts_with("provider `break_down` (tests/it/lifecycle.rs:"), "{text}");
    assert!(text.ends_with("failed: out of order"), "{text}");
    assert_eq!(journal.lines()[3..], ["mail closed", "orders closed", "pool closed"]);
}

/// A provider with a task that publishes, which it waits for when it is closed.
struct Outlet(tokio::sync::Mutex<Option<tokio::task::JoinHandle<bool>>>, Journal);

impl Outlet {
    async fn close(&self) {
        let Some(task) = self.0.lock().await.take() else { return };
        self.1.note(format!("published: {}", task.await.unwrap()));
    }
}

#[provider(close = Outlet::close)]
async fn open_outlet(journal: State<Journal>, publisher: Publisher) -> Result<Outlet, std::io::Error> {
    let task = tokio::spawn(async move { publisher.publish(&task("never")).await.is_ok() });
    Ok(Outlet(Some(task).into(), Journal::clone(&journal)))
}

struct Faulty;

#[provider]
async fn break_after(_outlet: State<Outlet>) -> Result<Faulty, std::io::Error> {
    Err(std::io::Error::other("out of order"))
}

#[subscriber(topic = "task.created")]
async fn uses_outlet(_task: Task, _faulty: State<Faulty>) {}

#[tokio::test(start_paused = true)]
async fn a_failed_start_waits_for_no_publication() {
    let journal = Journal::default();
    let app = App::only::<(uses_outlet,)>()
        .with_provider_of::<Outlet>()
        .with_provider_of::<Faulty>()
        .provide(journal.clone());
    let began = Instant::now();
    assert!(app.start().await.is_err());
    assert_eq!((journal.lines(), began.elapsed().as_secs()), (vec!["published: false".to_owned()], 0));
}

struct Stuck;

impl Stuck {
    async fn close(&self) {
        std::future::pending::<()>().await;
    }
}

#[provider(close = Stuck::close)]
async fn open_stuck(_journal: State<Journal>, _pool: State<Pool>) -> Result<Stuck, std::io::Error> {
    Ok(Stuck)
}

#[subscriber(topic = "task.created")]
async fn uses_stuck(_task: Task, _stuck: State<Stuck>) {}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_close_keeps_no_other_open() {
    let journal = Journal::default();
    let app = with_providers(App::only::<(uses_stuck,)>().with_provider_of::<Stuck>(), &journal);
    let running = app.start().await.unwrap();
    let began = Instant::now();
    running.shutdown().await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 5);
    assert!(journal.lines().contains(&"pool closed".to_owned()));
}

struct Explosive;

impl Explosive {
    async fn close(&self) {
        panic!("as it is closed, on purpose");
    }
}

#[provider(close = Explosive::close)]
async fn open_explosive(_journal: State<Journal>, _pool: State<Pool>) -> Result<Explosive, std::io::Error> {
    Ok(Explosive)
}

#[subscriber(topic = "task.created")]
async fn uses_explosive(_task: Task, _explosive: State<Explosive>) {}

#[tokio::test(start_paused = true)]
async fn a_provider_that_panics_as_it_closes_keeps_no_other_open() {
    let journal = Journal::default();
    let app = with_providers(App::only::<(uses_explosive,)>().with_provider_of::<Explosive>(), &journal);
    app.start().await.unwrap().shutdown().await.unwrap();
    assert!(journal.lines().contains(&"pool closed".to_owned()));
}

#[subscriber(topic = "task.created", concurrency = 2)]
async fn takes_a_second(_task: Task, journal: State<Journal>) {
    tokio::time::sleep(Duration::from_secs(1)).await;
    journal.note("done");
}

#[tokio::test(start_paused = true)]
async fn shutdown_finishes_what_lies_in_memory() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_a_second,)>().provide(journal.clone())).await.unwrap();
    for _ in 0..10 {
        app.publish(&task("x")).await.unwrap();
    }
    let began = Instant::now();
    app.shutdown().await.unwrap();
    assert_eq!((journal.lines().len(), began.elapsed().as_secs()), (10, 5));
}

#[subscriber(topic = "task.created", timeout = "1h")]
async fn never_ends(_task: Task, started: State<Notify>) {
    started.notify_one();
    std::future::pending::<()>().await;
}

#[tokio::test(start_paused = true)]
async fn shutdown_ends_by_its_deadline_and_says_what_was_given_back() {
    let started = Arc::new(Notify::new());
    let app = App::only::<(never_ends,)>().provide_shared(started.clone()).set("shutdown.drain", "7s");
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    started.notified().await;
    let began = Instant::now();
    let error = app.shutdown().await.expect_err("one was unfinished");
    assert!(matches!(error, Error::Drain { unfinished: 1, .. }), "{error}");
    assert_eq!(began.elapsed().as_secs(), 7);
}

#[subscriber(topic = "task.created", concurrency = 5)]
async fn is_idle(_task: Task) {}

#[tokio::test(start_paused = true)]
async fn only_workers_with_a_delivery_count_as_unfinished() {
    let started = Arc::new(Notify::new());
    let app = App::only::<(is_idle, never_ends)>().provide_shared(started.clone());
    let app = TestApp::start(app).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    started.notified().await;
    let error = app.shutdown_within(Duration::ZERO).await.expect_err("one was unfinished");
    assert!(matches!(error, Error::Drain { unfinished: 1, .. }), "{error}");
}

#[subscriber(topic = "task.created", ordered, retries = 5, backoff = fixed("1h"))]
async fn waits_in_place(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("not yet"))
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_waits_in_place_is_given_back_when_pulling_stops() {
    let app = TestApp::start(App::only::<(waits_in_place,)>()).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    while app.attempts("waits-in-place") == 0 {
        tokio::task::yield_now().await;
    }
    let began = Instant::now();
    app.shutdown_within(Duration::from_secs(8)).await.unwrap();
    assert_eq!(began.elapsed().as_secs(), 6, "a quarter of the drain is left");
}

#[subscriber(topic = "task.created", ack = "none", order_by = key, concurrency = 2)]
async fn takes_its_time(task: Task, journal: State<Journal>) {
    tokio::time::sleep(Duration::from_millis(100)).await;
    journal.note(task.text);
}

#[tokio::test(start_paused = true)]
async fn what_needs_no_verdict_is_handled_before_the_end() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(takes_its_time,)>().provide(journal.clone())).await.unwrap();
    for n in 0..20 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    while journal.lines().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    app.shutdown().await.unwrap();
    assert_eq!(journal.lines().len(), 20);
}

#[subscriber(topic = "task.created", timeout = "1h")]
async fn listens_for_the_end(_task: Task, shutdown: CancellationToken, journal: State<Journal>) {
    shutdown.cancelled().await;
    journal.note("told");
}

#[tokio::test(start_paused = true)]
async fn handlers_are_told_of_the_shutdown() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(listens_for_the_end,)>().provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    let began = Instant::now();
    app.shutdown().await.unwrap();
    assert_eq!((journal.lines(), began.elapsed().as_secs()), (vec!["told".to_owned()], 0));
}

#[subscriber(topic = "task.created", enabled = false)]
async fn sleeps(_task: Task) {}

#[tokio::test(start_paused = true)]
async fn a_disabled_subscriber_keeps_its_queue_and_takes_nothing() {
    let app = TestApp::start(App::only::<(sleeps,)>()).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    assert_eq!(app.running().inspect("default").unwrap().depth("service.sleeps"), Some(1));
    assert_eq!(app.attempts("sleeps"), 0);
    app.shutdown().await.unwrap();
}

struct Early;

#[provider]
async fn publish_early(publisher: Publisher) -> Result<Early, std::io::Error> {
    tokio::spawn(async move { publisher.publish(&task("early")).await });
    tokio::task::yield_now().await;
    Ok(Early)
}

#[subscriber(topic = "task.created")]
async fn hears_the_early(task: Task, _early: State<Early>, journal: State<Journal>) {
    journal.note(task.text);
}

#[tokio::test(start_paused = true)]
async fn what_is_published_before_the_start_waits_for_it() {
    let journal = Journal::default();
    let app = App::only::<(hears_the_early,)>().with_provider_of::<Early>().provide(journal.clone());
    let app = TestApp::start(app).await.unwrap();
    while journal.lines().is_empty() {
        tokio::task::yield_now().await;
    }
    assert_eq!(journal.lines(), ["early"]);
    app.shutdown().await.unwrap();
}
