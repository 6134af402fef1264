//! What a half-open breaker admits.

use std::time::Duration;

use swit::{App, BreakerState, State, subscriber, testing::TestApp};
use tokio::time::{Instant, sleep};

use super::partner::{Partner, becomes, opened, state};
use crate::support::{Task, task};

#[subscriber(
    topic = "task.created",
    concurrency = 50,
    retries = 100,
    backoff = fixed("200ms"),
    circuit_breaker(failures = 5, reset = "10s", half_open = 3)
)]
async fn many(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

#[tokio::test(start_paused = true)]
async fn it_admits_its_probes_and_not_one_more_whatever_the_concurrency() {
    let partner = Partner::down();
    partner.answer_after(700);
    let app = TestApp::start(App::only::<(many,)>().provide(partner.clone())).await.unwrap();
    for n in 0..300 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    let until = opened(&app, "many").await;
    // Those that were under way when it opened, and those that the first four to fail took before the fifth did.
    assert_eq!((partner.asked(), partner.most_under_way()), (54, 50));
    becomes(&app, "many", BreakerState::HalfOpen).await;
    assert!(until.elapsed() < Duration::from_millis(5), "{:?}", until.elapsed());
    partner.most_under_way();
    sleep(Duration::from_millis(600)).await;
    assert_eq!((partner.asked_since(until), partner.most_under_way()), (3, 3));
    // The three fail together; it opens once.
    let second = opened(&app, "many").await;
    sleep(Duration::from_secs(9)).await;
    assert_eq!(partner.asked_since(until), 3);
    partner.set_down(false);
    becomes(&app, "many", BreakerState::HalfOpen).await;
    partner.most_under_way();
    sleep(Duration::from_millis(600)).await;
    assert_eq!((partner.asked_since(second), partner.most_under_way()), (3, 3));
    // It closes on the third success, not when somebody comes next.
    becomes(&app, "many", BreakerState::Closed).await;
    assert!(second.elapsed() < Duration::from_millis(710), "{:?}", second.elapsed());
    sleep(Duration::from_millis(100)).await;
    assert_eq!(partner.most_under_way(), 50);
    app.wait_quiet().await;
    let counts = app.stats_of("many").unwrap().counts.clone();
    assert_eq!((counts.succeeded, counts.failed, counts.dead_lettered), (300, 57, 0));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn retries_that_are_parked_wait_and_are_probes_like_others() {
    let partner = Partner::down();
    let app = TestApp::start(App::only::<(many,)>().provide(partner.clone())).await.unwrap();
    // Four are parked when the fifth opens it.
    for n in 0..4 {
        app.publish(&task(n.to_string())).await.unwrap();
        sleep(Duration::from_millis(1)).await;
    }
    app.publish(&task("4")).await.unwrap();
    let until = opened(&app, "many").await;
    sleep(Duration::from_secs(9)).await;
    assert_eq!(partner.asked(), 5);
    sleep(until + Duration::from_millis(10) - Instant::now()).await;
    assert!((1..=3).contains(&partner.asked_since(until)), "{}", partner.asked_since(until));
    partner.set_down(false);
    app.wait_quiet().await;
    assert_eq!(app.stats_of("many").unwrap().counts.succeeded, 5);
    app.shutdown().await.unwrap();
}

#[subscriber(
    topic = "task.created",
    concurrency = 8,
    retries = 0,
    circuit_breaker(failures = 2, reset = "1s", half_open = 2)
)]
async fn slow_or_quick(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    if task.text == "slow" {
        sleep(Duration::from_secs(20)).await;
        return Ok(());
    }
    partner.ask(&task.text).await
}

#[tokio::test(start_paused = true)]
async fn results_of_an_older_generation_are_ignored() {
    let partner = Partner::down();
    let app = TestApp::start(App::only::<(slow_or_quick,)>().provide(partner.clone())).await.unwrap();
    // They begin while it is closed, and succeed when it is half-open.
    for text in ["slow", "slow"] {
        app.publish(&task(text)).await.unwrap();
    }
    sleep(Duration::from_millis(1)).await;
    for text in ["a", "b"] {
        app.publish(&task(text)).await.unwrap();
    }
    opened(&app, "slow-or-quick").await;
    sleep(Duration::from_mins(1)).await;
    assert_eq!(app.stats_of("slow-or-quick").unwrap().counts.succeeded, 2);
    // Two successes are what closes it, but they were no probes.
    assert_eq!(state(&app, "slow-or-quick"), BreakerState::HalfOpen);
    partner.set_down(false);
    for text in ["c", "d"] {
        app.publish(&task(text)).await.unwrap();
    }
    becomes(&app, "slow-or-quick", BreakerState::Closed).await;
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn idle_workers_keep_no_probe_from_whoever_finds_a_message() {
    let partner = Partner::down();
    let app = TestApp::start(App::only::<(slow_or_quick,)>().provide(partner.clone())).await.unwrap();
    for text in ["a", "b"] {
        app.publish(&task(text)).await.unwrap();
    }
    opened(&app, "slow-or-quick").await;
    partner.set_down(false);
    // Half-open with nothing to do, for long.
    sleep(Duration::from_hours(1)).await;
    assert_eq!(state(&app, "slow-or-quick"), BreakerState::HalfOpen);
    let began = Instant::now();
    for text in ["c", "d", "e"] {
        app.publish(&task(text)).await.unwrap();
    }
    app.wait_quiet().await;
    assert!(began.elapsed() < Duration::from_millis(10));
    assert_eq!(state(&app, "slow-or-quick"), BreakerState::Closed);
    app.shutdown().await.unwrap();
}
