//! One breaker of several subscribers.

use std::time::Duration;

use swit::{App, BreakerState, CircuitBreaker, Policies, State, Subscription, subscriber, testing::TestApp};
use tokio::time::{Instant, sleep};

use super::partner::{Partner, becomes, opened, state};
use crate::support::{Task, task};

#[subscriber(
    topic = "task.created",
    name = "charge",
    concurrency = 4,
    retries = 0,
    circuit_breaker(failures = 4, reset = "10s", half_open = 2, name = "bank")
)]
async fn charge(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

#[subscriber(
    topic = "task.created",
    name = "refund",
    concurrency = 4,
    retries = 0,
    circuit_breaker(failures = 4, reset = "10s", half_open = 2, name = "bank")
)]
async fn refund(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

#[subscriber(topic = "task.created", circuit_breaker)]
async fn alone(task: Task) {
    drop(task);
}

#[tokio::test(start_paused = true)]
async fn all_of_them_wait_and_share_the_probes() {
    let partner = Partner::down();
    partner.answer_after(100);
    let app = TestApp::start(App::only::<(charge, refund, alone)>().provide(partner.clone())).await.unwrap();
    for n in 0..50 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    let until = opened(&app, "bank").await;
    sleep(Duration::from_secs(5)).await;
    // What was under way; four of them were needed.
    assert!((8..=11).contains(&partner.asked()), "{}", partner.asked());
    assert!(app.attempts("charge") < 10 && app.attempts("refund") < 10);
    assert_eq!((app.attempts("alone"), state(&app, "alone")), (50, BreakerState::Closed));
    for name in ["charge", "refund"] {
        assert_eq!(state(&app, name), state(&app, "bank"), "found by whoever shares it");
    }
    partner.set_down(false);
    becomes(&app, "bank", BreakerState::HalfOpen).await;
    partner.most_under_way();
    sleep(Duration::from_millis(90)).await;
    assert_eq!((partner.asked_since(until), partner.most_under_way()), (2, 2), "of both together");
    becomes(&app, "bank", BreakerState::Closed).await;
    app.wait_quiet().await;
    let succeeded = app.stats_of("charge").unwrap().counts.succeeded + app.stats_of("refund").unwrap().counts.succeeded;
    assert_eq!(succeeded, partner.asked_since(until) as u64);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn one_without_messages_keeps_no_probe_from_the_other() {
    let partner = Partner::down();
    let app = TestApp::start(App::only::<(charge, refund)>().provide(partner.clone())).await.unwrap();
    for n in 0..4 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    let until = opened(&app, "bank").await;
    app.running().handle().pause("refund").unwrap();
    app.running().handle().unsubscribe("charge").await.unwrap();
    partner.set_down(false);
    sleep(until + Duration::from_mins(1) - Instant::now()).await;
    // Nobody who is left may begin; then somebody may, and closes it alone.
    assert_eq!(partner.asked_since(until), 0);
    app.running().handle().resume("refund").unwrap();
    for n in 0..4 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    becomes(&app, "bank", BreakerState::Closed).await;
    app.wait_quiet().await;
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", circuit_breaker(failures = 5, reset = "10s", half_open = 2, name = "bank"))]
async fn differs(task: Task) {
    drop(task);
}

#[tokio::test(start_paused = true)]
async fn those_that_share_must_want_the_same() {
    let faults = App::only::<(charge, refund, differs)>().provide(Partner::default()).check().unwrap_err().to_string();
    assert!(
        faults.contains("1 fault\n") && faults.contains("`differs` shares the circuit breaker `bank` with"),
        "{faults}"
    );
    assert!(faults.matches("tests/it/breaker/shared.rs:").count() == 2, "both places: {faults}");
    // The same numbers in other words are the same.
    let app = App::only::<(charge, differs)>()
        .provide(Partner::default())
        .config_text("swit.toml", "[subscriber.differs.circuit_breaker]\nfailures = 4");
    TestApp::start(app).await.unwrap().shutdown().await.unwrap();

    // Somebody who comes later, too.
    let app = TestApp::start(App::only::<(charge,)>().provide(Partner::default())).await.unwrap();
    let handle = app.running().handle();
    let bank =
        |failures| CircuitBreaker::new().failures(failures).reset(Duration::from_secs(10)).half_open(2).named("bank");
    let with = |breaker| Policies::new().circuit_breaker(breaker);
    let late = |name: &'static str, breaker| Subscription::new("task.created").name(name).policies(with(breaker));
    let error = handle.subscribe(late("late", bank(5)), |_: Task| async {}).await.unwrap_err().to_string();
    assert!(error.contains("shares the circuit breaker `bank` with tests/it/breaker/shared.rs:"), "{error}");
    handle.subscribe(late("late", bank(4)), |_: Task| async {}).await.unwrap();
    // A name is free when nobody has it any more.
    for name in ["charge", "late"] {
        handle.unsubscribe(name).await.unwrap();
    }
    handle.subscribe(late("later", bank(5)), |_: Task| async {}).await.unwrap();
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_it_is_open_waits_too() {
    let partner = Partner::down();
    let app = TestApp::start(App::only::<(charge,)>().provide(partner.clone())).await.unwrap();
    for n in 0..4 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    let until = opened(&app, "bank").await;
    let bank = CircuitBreaker::new().failures(4).reset(Duration::from_secs(10)).half_open(2).named("bank");
    let late = Subscription::new("task.created").name("late").policies(Policies::new().circuit_breaker(bank));
    app.running().handle().subscribe(late, |_: Task| async {}).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    sleep(until - Duration::from_millis(100) - Instant::now()).await;
    assert_eq!(app.attempts("late"), 0);
    partner.set_down(false);
    app.wait_quiet().await;
    assert_eq!((app.attempts("late"), state(&app, "bank")), (1, BreakerState::Closed));
    app.shutdown().await.unwrap();
}
