//! When a breaker opens, what that stops, and whom it does not.

use std::{sync::Arc, time::Duration};

use swit::{App, BreakerState, Class, Classify, Metadata, Outcome, State, subscriber, testing::TestApp};
use tokio::time::{Instant, sleep};

use super::partner::{Partner, becomes, opened, state};
use crate::support::{Journal, Task, task};

#[subscriber(topic = "task.created", retries = 100, backoff = fixed("100ms"), circuit_breaker(failures = 3, reset = "10s", half_open = 2))]
async fn pay(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

#[subscriber(topic = "task.created")]
async fn bystander(_task: Task) {}

#[tokio::test(start_paused = true)]
async fn it_opens_at_its_threshold_and_stops_nobody_else() {
    let partner = Partner::down();
    let app = TestApp::start(App::only::<(pay, bystander)>().provide(partner.clone())).await.unwrap();
    assert_eq!(state(&app, "pay"), BreakerState::Closed);
    for n in 0..100 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    let until = opened(&app, "pay").await;
    sleep(Duration::from_secs(9)).await;
    assert_eq!((partner.asked(), app.attempts("pay"), app.attempts("bystander")), (3, 3, 100));
    assert!(until <= Instant::now() + Duration::from_secs(1));
    let listed = app.running().handle().list();
    let breakers: Vec<_> = listed.iter().map(|status| (status.name.as_str(), status.breaker)).collect();
    assert!(breakers.contains(&("pay", Some(BreakerState::Open { until }))) && breakers.contains(&("bystander", None)));
    // One probe fails, and it is open again.
    sleep(Duration::from_secs(2)).await;
    assert_eq!(partner.asked(), 4);
    partner.set_down(false);
    let began = opened(&app, "pay").await;
    app.wait_quiet().await;
    assert_eq!(state(&app, "pay"), BreakerState::Closed);
    assert!(partner.asked_since(began) >= 100 && Instant::now() - began < Duration::from_secs(40));
    let counts = app.stats_of("pay").unwrap().counts.clone();
    assert_eq!((counts.succeeded, counts.failed, counts.dead_lettered), (100, 4, 0));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_success_ends_a_row_of_failures() {
    let partner = Partner::default();
    let app = TestApp::start(App::only::<(pay,)>().provide(partner.clone())).await.unwrap();
    for (count, is_down) in [(2, true), (1, false), (2, true), (1, false)] {
        partner.set_down(is_down);
        let asked = partner.asked() + count;
        for _ in 0..count {
            app.publish(&task("x")).await.unwrap();
            while partner.asked() < asked {
                sleep(Duration::from_millis(1)).await;
            }
        }
    }
    assert_eq!(state(&app, "pay"), BreakerState::Closed);
    app.shutdown().await.unwrap();
}

/// Tells by its text how it goes wrong.
#[derive(Debug)]
struct Wrong(Class);

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("wrong")
    }
}

impl std::error::Error for Wrong {}

impl Classify for Wrong {
    fn classify(&self) -> swit::Classification {
        self.0.into()
    }
}

#[subscriber(topic = "task.created", retries = 0, timeout = "1s", circuit_breaker(failures = 2, reset = "1m"))]
async fn go_wrong(task: Task, journal: State<Journal>) -> Result<Outcome, Wrong> {
    journal.note(task.text.clone());
    match task.text.as_str() {
        "transient" => Err(Wrong(Class::Transient)),
        "throttle" => Err(Wrong(Class::Throttle)),
        "system" => Err(Wrong(Class::SystemFailure)),
        "invalid" => Err(Wrong(Class::InvalidInput)),
        "permanent" => Err(Wrong(Class::Permanent)),
        "panic" => panic!("a panic"),
        "slow" => std::future::pending().await,
        "discard" => Ok(Outcome::discard("on purpose")),
        _ => Ok(Outcome::Success),
    }
}

#[tokio::test(start_paused = true)]
async fn only_what_says_that_something_does_not_work_counts() {
    for (text, counts) in [
        ("transient", true),
        ("throttle", true),
        ("system", true),
        ("panic", true),
        ("slow", true),
        ("invalid", false),
        ("permanent", false),
        ("discard", false),
        ("fine", false),
    ] {
        let app = TestApp::start(App::only::<(go_wrong,)>().provide(Journal::default())).await.unwrap();
        for _ in 0..2 {
            app.publish(&task(text)).await.unwrap();
        }
        sleep(Duration::from_secs(5)).await;
        let is_open = matches!(state(&app, "go-wrong"), BreakerState::Open { .. });
        assert_eq!(is_open, counts, "{text}");
        app.shutdown_within(Duration::from_millis(1)).await.unwrap();
    }
    // What can't be decoded never reaches the partner: it neither ends a row nor makes one longer.
    let app = TestApp::start(App::only::<(go_wrong,)>().provide(Journal::default())).await.unwrap();
    app.publish(&task("transient")).await.unwrap();
    app.publish_to("task.created", swit::Message::new("", "not json")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(state(&app, "go-wrong"), BreakerState::Closed);
    app.publish(&task("transient")).await.unwrap();
    app.wait_quiet().await;
    assert!(matches!(state(&app, "go-wrong"), BreakerState::Open { .. }));
    app.shutdown().await.unwrap();
}

#[subscriber(
    topic = "task.created",
    retries = 0,
    circuit_breaker(rate = 0.5, window = "10s", min_volume = 10, reset = "5s", half_open = 1)
)]
async fn by_rate(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.set_down(task.text == "down");
    partner.ask(&task.text).await
}

#[tokio::test(start_paused = true)]
async fn it_opens_at_a_rate_of_failures_once_there_are_enough() {
    let app = TestApp::start(App::only::<(by_rate,)>().provide(Partner::default())).await.unwrap();
    let send = async |text: &str| {
        app.publish(&task(text)).await.unwrap();
        app.wait_quiet().await;
    };
    // Nine in a row are no rate yet.
    for _ in 0..9 {
        send("down").await;
    }
    assert_eq!(state(&app, "by-rate"), BreakerState::Closed);
    // They are forgotten with their window.
    sleep(Duration::from_secs(10)).await;
    for text in ["down", "up", "up", "down", "up", "down", "up", "down", "up"] {
        send(text).await;
    }
    assert_eq!(state(&app, "by-rate"), BreakerState::Closed);
    send("down").await;
    assert!(matches!(state(&app, "by-rate"), BreakerState::Open { .. }));
    // Once it is closed again, it begins anew.
    sleep(Duration::from_secs(6)).await;
    send("up").await;
    becomes(&app, "by-rate", BreakerState::Closed).await;
    for _ in 0..9 {
        send("down").await;
    }
    assert_eq!(state(&app, "by-rate"), BreakerState::Closed);
    app.shutdown().await.unwrap();
}

#[subscriber(topic = "task.created", retries = 2, backoff = fixed("100ms"), circuit_breaker(failures = 1, reset = "10s", half_open = 1))]
async fn gives_up(task: Task, meta: Metadata, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&format!("{} {}", task.text, meta.attempt)).await
}

#[tokio::test(start_paused = true)]
async fn what_failed_follows_its_own_policy_and_waiting_is_no_attempt() {
    let partner = Partner::down();
    let app = TestApp::start(App::only::<(gives_up,)>().provide(partner.clone())).await.unwrap();
    let began = Instant::now();
    app.publish(&task("a")).await.unwrap();
    app.wait_quiet().await;
    // Three attempts, each of which waited for the breaker.
    assert_eq!(partner.texts(), ["a 1", "a 2", "a 3"]);
    let took = began.elapsed();
    assert!((Duration::from_secs(20)..Duration::from_secs(21)).contains(&took), "{took:?}");
    let counts = app.stats_of("gives-up").unwrap().counts.clone();
    assert_eq!((counts.failed, counts.dead_lettered), (3, 1));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn that_it_opened_is_an_alert_of_its_name() {
    use swit::alert::AlertKind;

    let partner = Arc::new(Partner::down());
    let app = TestApp::start(App::only::<(pay,)>().provide_shared(partner.clone())).await.unwrap();
    for n in 0..10 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    opened(&app, "pay").await;
    let raised = app.running().scope().alerts().counts();
    assert_eq!(raised, [(AlertKind::BreakerOpened, 1)]);
    partner.set_down(false);
    app.wait_quiet().await;
    app.shutdown().await.unwrap();
}
