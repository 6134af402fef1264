//! Alerts: a storm is one with its number, nothing waits for the sink, and whatever was raised is told.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use swit::{
    Alert, AlertKind, AlertSink, Alerts, App, BoxError, Running, State,
    alert::{Level, SharedAlertSink},
    subscriber,
    transport::BoxFuture,
};
use tokio::time::Instant;

use crate::{
    refusals::{Refusing, fails},
    support::{Journal, Task, task},
};

/// What a sink was told, and when.
#[derive(Debug, Clone, Default)]
struct Told(Arc<Mutex<Vec<(Instant, Alert)>>>);

impl Told {
    fn all(&self) -> Vec<Alert> {
        self.0.lock().unwrap().iter().map(|(_, alert)| alert.clone()).collect()
    }

    fn lines(&self) -> Vec<String> {
        self.all().iter().map(|alert| format!("{} {} {}", alert.kind, alert.subject, alert.count)).collect()
    }
}

impl AlertSink for Told {
    fn tell<'a>(&'a self, alert: &'a Alert) -> BoxFuture<'a, Result<(), BoxError>> {
        self.0.lock().unwrap().push((Instant::now(), alert.clone()));
        Box::pin(async { Ok(()) })
    }
}

fn sink(told: &Told) -> SharedAlertSink {
    Arc::new(told.clone())
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_refused_copies_is_one_alert_and_then_its_number() {
    let (transport, left) = Refusing::times(usize::MAX);
    let told = Told::default();
    let app = App::only::<(fails,)>().service("service", "1").transport(transport);
    let running = app.provide(Journal::default()).provide(sink(&told)).start().await.unwrap();
    for number in 0..20 {
        running.publisher().unwrap().publish(&task(number.to_string())).await.unwrap();
    }
    let began = Instant::now();
    tokio::time::sleep(Duration::from_secs(59)).await;
    let first = told.all();
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!((first[0].kind, first[0].level, first[0].count), (AlertKind::CopyFailed, Level::Critical, 1));
    assert_eq!(first[0].subject, "fails");
    assert!(first[0].message.contains("service.fails") && first[0].message.contains("out of disk"), "{first:?}");
    assert!(told.0.lock().unwrap()[0].0 - began < Duration::from_secs(1), "at once");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let second = told.all();
    assert_eq!(second.len(), 2, "{second:?}");
    assert!(second[1].count > 10, "what followed within the minute: {second:?}");
    left.store(0, Ordering::SeqCst);
    running.wait_quiet().await;
    let raised = running.alerts();
    running.shutdown().await.unwrap();
    let sum: u64 = told.all().iter().map(|alert| alert.count).sum();
    assert_eq!(raised, [(AlertKind::CopyFailed, sum)], "what was held back is told at the end");
}

#[subscriber(topic = "task.created")]
async fn worries(task: Task, alerts: Alerts) {
    alerts.raise(Level::Warning, "worry", task.key, format!("about\n{}", task.text));
}

async fn worried(app: App) -> Running {
    let running = app.service("service", "1").start().await.unwrap();
    for (key, text) in [("a", "x"), ("a", "y"), ("b", "z")] {
        running.publisher().unwrap().publish(&crate::support::keyed(key, text)).await.unwrap();
    }
    running.wait_quiet().await;
    running
}

#[tokio::test(start_paused = true)]
async fn services_raise_their_own_by_kind_and_subject() {
    let told = Told::default();
    let running = worried(App::only::<(worries,)>().provide(sink(&told))).await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(told.lines(), ["worry a 1", "worry b 1"]);
    assert_eq!(told.all()[0].message, "about\\nx", "one line, whatever it quotes");
    running.shutdown().await.unwrap();
    assert_eq!(told.lines(), ["worry a 1", "worry b 1", "worry a 1"], "the second one of `a`, at the end");
    assert_eq!(told.all()[2].message, "about\\ny");
}

/// Panics, fails, then never answers.
#[derive(Debug)]
struct Broken(Arc<AtomicUsize>);

impl AlertSink for Broken {
    fn tell<'a>(&'a self, _: &'a Alert) -> BoxFuture<'a, Result<(), BoxError>> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("as it begins"),
            1 => Box::pin(async { Err("out of paper".into()) }),
            _ => Box::pin(std::future::pending()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_broken_sink_holds_nothing_up() {
    let asked = Arc::new(AtomicUsize::new(0));
    let sink: SharedAlertSink = Arc::new(Broken(asked.clone()));
    let running = worried(App::only::<(worries,)>().provide(sink)).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(asked.load(Ordering::SeqCst), 3, "each was told but once");
    let worries = running.alerts();
    assert_eq!(worries, [(AlertKind::Custom("worry"), 3)]);
    // It is stuck at the third: neither work nor the end wait for it.
    running.publisher().unwrap().publish(&task("more")).await.unwrap();
    running.wait_quiet().await;
    let began = Instant::now();
    running.shutdown_within(Duration::from_secs(4)).await.unwrap();
    assert!(began.elapsed() <= Duration::from_secs(4), "{:?}", began.elapsed());
}

/// Fails with what can neither be told nor got rid of; after that it listens.
#[derive(Debug)]
struct Cursed(Told, Arc<AtomicUsize>);

#[derive(Debug)]
struct Curse;

impl std::fmt::Display for Curse {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("as it is told, on purpose")
    }
}

impl std::error::Error for Curse {}

impl Drop for Curse {
    fn drop(&mut self) {
        panic!("as it is dropped, on purpose");
    }
}

impl AlertSink for Cursed {
    fn tell<'a>(&'a self, alert: &'a Alert) -> BoxFuture<'a, Result<(), BoxError>> {
        match self.1.fetch_add(1, Ordering::SeqCst) {
            0 => Box::pin(async { Err(Curse.into()) }),
            _ => self.0.tell(alert),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_sink_whose_error_panics_is_told_the_next() {
    let told = Told::default();
    let sink: SharedAlertSink = Arc::new(Cursed(told.clone(), Arc::default()));
    let running = worried(App::only::<(worries,)>().provide(sink)).await;
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(told.all().len(), 2, "{:?}", told.all());
    running.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created")]
async fn listens(_task: Task, _journal: State<Journal>) {}

#[tokio::test(start_paused = true)]
async fn without_a_cause_nobody_is_told() {
    let told = Told::default();
    let app = App::only::<(listens,)>().service("service", "1").provide(Journal::default()).provide(sink(&told));
    let running = app.start().await.unwrap();
    running.publisher().unwrap().publish(&task("x")).await.unwrap();
    running.wait_quiet().await;
    tokio::time::sleep(Duration::from_mins(5)).await;
    running.shutdown().await.unwrap();
    assert_eq!(told.lines(), Vec::<String>::new());
}
