//! Breakers by configuration and by policies that are made in code.

use std::time::Duration;

use swit::{App, BreakerState, CircuitBreaker, Policies, State, Subscription, subscriber, testing::TestApp};
use tokio::time::sleep;

use super::partner::{Partner, opened, state};
use crate::support::{Task, task};

#[subscriber(topic = "task.created", retries = 0, circuit_breaker(failures = 3, reset = "10s"))]
async fn written(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

#[subscriber(topic = "task.created", retries = 0)]
async fn plain(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

/// Attempts at twenty messages, all of which fail.
async fn attempts(app: App, subscriber: &str) -> (u64, bool) {
    let app = TestApp::start(app.provide(Partner::down())).await.unwrap();
    for n in 0..20 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    sleep(Duration::from_secs(2)).await;
    let found = (app.attempts(subscriber), app.running().breaker(subscriber).is_some());
    app.shutdown_within(Duration::from_millis(10)).await.unwrap();
    found
}

#[tokio::test(start_paused = true)]
async fn configuration_gives_changes_and_takes_away() {
    let with = |text: &str| App::only::<(written,)>().config_text("swit.toml", text);
    assert_eq!(attempts(with(""), "written").await, (3, true));
    assert_eq!(attempts(with("[subscriber.written]\ncircuit_breaker = { failures = 7 }"), "written").await, (7, true));
    assert_eq!(attempts(with("[subscriber.written]\ncircuit_breaker = false"), "written").await, (20, false));
    // What is left out is the attribute's: open for ten seconds, not for one.
    let reset = "[subscriber.written.circuit_breaker]\nreset = '1s'\nhalf_open = 1";
    assert_eq!(attempts(with(reset), "written").await, (4, true));
    let bare = App::only::<(plain,)>().config_text("swit.toml", "[subscriber.plain]\ncircuit_breaker = true");
    assert_eq!(attempts(bare, "plain").await, (5, true));
}

#[tokio::test(start_paused = true)]
async fn policies_give_it_to_whoever_is_made_at_runtime() {
    let partner = Partner::down();
    let app = App::only::<()>().provide(partner.clone()).require::<State<Partner>>().expect_subscriber("listed");
    let app = app.config_text("swit.toml", "[subscriber.listed.circuit_breaker]\nfailures = 6");
    let app = TestApp::start(app).await.unwrap();
    let handle = app.running().handle();
    let policies =
        Policies::new().retries(0).circuit_breaker(CircuitBreaker::new().failures(2).reset(Duration::from_mins(1)));
    for name in ["coded", "listed"] {
        let subscription = Subscription::new("task.created").name(name).policies(policies.clone());
        let ask = |task: Task, partner: State<Partner>| async move { partner.ask(&task.text).await };
        handle.subscribe(subscription, ask).await.unwrap();
    }
    for n in 0..20 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    opened(&app, "coded").await;
    opened(&app, "listed").await;
    sleep(Duration::from_secs(1)).await;
    // The configuration goes before what is written in code.
    assert_eq!((app.attempts("coded"), app.attempts("listed")), (2, 6));
    app.shutdown_within(Duration::from_millis(10)).await.unwrap();

    let app = TestApp::start(App::only::<()>()).await.unwrap();
    let wrong = Policies::new().circuit_breaker(CircuitBreaker::new().failures(0).rate(2.0, Duration::from_secs(1), 0));
    let wrong = Subscription::new("task.created").name("wrong").policies(wrong.rate_limit(0, 0));
    let error = app.running().handle().subscribe(wrong, |_: Task| async {}).await.unwrap_err().to_string();
    for part in ["`failures` is 0", "`rate` is 2", "`min_volume` is 0", "`per_second` is 0", "`burst` is 0"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn pauses_and_breakers_keep_out_of_each_others_way() {
    let partner = Partner::down();
    let app = TestApp::start(App::only::<(written,)>().provide(partner.clone())).await.unwrap();
    let publish = async || {
        for n in 0..10 {
            app.publish(&task(n.to_string())).await.unwrap();
        }
    };
    publish().await;
    let until = opened(&app, "written").await;
    let handle = app.running().handle();
    // Resuming opens no breaker, and a breaker that is half-open ends no pause.
    handle.resume("written").unwrap();
    handle.pause("written").unwrap();
    handle.resume("written").unwrap();
    sleep(Duration::from_secs(1)).await;
    assert_eq!(partner.asked(), 3);
    handle.pause("written").unwrap();
    partner.set_down(false);
    sleep(Duration::from_mins(1)).await;
    assert_eq!((partner.asked(), state(&app, "written")), (3, BreakerState::HalfOpen));
    handle.resume("written").unwrap();
    app.wait_quiet().await;
    assert_eq!((partner.asked_since(until), state(&app, "written")), (7, BreakerState::Closed));
    app.shutdown().await.unwrap();
}
