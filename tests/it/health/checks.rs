//! Checks: beside each other, in time, behind walls, and not again and again.

use std::time::Duration;

use swit::{App, ComponentKind, HealthStatus, Running, State, health_check};
use tokio::time::{Instant, advance, sleep};

use super::{Garden, Patient, Says, Ward, is_slow, of_no_importance, patient};

fn app(patients: &Patient) -> App {
    App::only::<()>().provide(patients.clone()).without_environment()
}

async fn text(running: &Running, kind: ComponentKind, name: &str) -> (HealthStatus, Option<String>) {
    let health = running.health().await;
    let found = health.component(kind, name).unwrap();
    (found.status, found.text.as_ref().map(ToString::to_string))
}

#[tokio::test(start_paused = true)]
async fn a_check_that_fails_says_why() {
    let one = Patient::default();
    let running = app(&one).with_health_check::<patient>().start().await.unwrap();
    assert_eq!(running.health().await.status, HealthStatus::Up);
    one.says(Says::Ill("no pulse\r\nSet-Cookie: \u{1b}[31m"));
    advance(Duration::from_secs(2)).await;
    let health = running.health().await;
    assert!(!health.is_ready());
    let found = health.component(ComponentKind::Check, "patient").unwrap();
    assert_eq!(found.text.as_deref(), Some("no pulse\\r\\nSet-Cookie: \\u{1b}[31m"));
    one.says(Says::Well);
    advance(Duration::from_secs(2)).await;
    assert_eq!(running.health().await.status, HealthStatus::Up);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn long_texts_are_cut() {
    static LONG: [u8; 4000] = [b'x'; 4000];
    let one = Patient::default();
    one.says(Says::Ill(std::str::from_utf8(&LONG).unwrap()));
    let running = app(&one).with_health_check::<patient>().start().await.unwrap();
    let (_, said) = text(&running, ComponentKind::Check, "patient").await;
    assert!(said.is_some_and(|said| said.len() <= 512 && said.ends_with('…')));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_critical_leaves_the_service_ready() {
    let one = Patient::default();
    one.says(Says::Ill("tired"));
    let running = app(&one).with_health_check::<of_no_importance>().start().await.unwrap();
    let health = running.health().await;
    assert!(health.is_ready());
    assert_eq!(health.status, HealthStatus::Degraded);
    assert_eq!(health.component(ComponentKind::Check, "of-no-importance").unwrap().status, HealthStatus::Down);
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_asked() {
    let one = Patient::default();
    let running = app(&one).with_provider_of::<Ward>().require::<State<Ward>>().start().await.unwrap();
    assert_eq!(text(&running, ComponentKind::Provider, "open_ward").await, (HealthStatus::Up, None));
    one.says(Says::Ill("full"));
    advance(Duration::from_secs(2)).await;
    assert_eq!(
        text(&running, ComponentKind::Provider, "open_ward").await,
        (HealthStatus::Down, Some("full".to_owned()))
    );
}

#[tokio::test(start_paused = true)]
async fn a_provider_is_asked_as_its_attribute_says() {
    let one = Patient::default();
    one.says(Says::Nothing);
    let running = app(&one).with_provider_of::<Garden>().require::<State<Garden>>().start().await.unwrap();
    let begun = Instant::now();
    let health = running.health().await;
    assert_eq!((health.status, begun.elapsed()), (HealthStatus::Degraded, Duration::from_millis(700)));
    let garden = health.component(ComponentKind::Provider, "lay_out_garden").unwrap();
    assert_eq!((garden.status, garden.critical), (HealthStatus::Down, false));
    assert_eq!(garden.text.as_deref(), Some("no answer within 700ms"));
}

#[tokio::test(start_paused = true)]
async fn who_does_not_answer_or_panics_has_failed() {
    let one = Patient::default();
    let running = app(&one).with_health_check::<patient>().start().await.unwrap();
    one.says(Says::Nothing);
    let begun = Instant::now();
    let (status, said) = text(&running, ComponentKind::Check, "patient").await;
    assert_eq!((status, said.as_deref()), (HealthStatus::Down, Some("no answer within 2s")));
    assert_eq!(begun.elapsed().as_secs(), 2);
    one.says(Says::Panics);
    sleep(Duration::from_secs(2)).await;
    let (_, said) = text(&running, ComponentKind::Check, "patient").await;
    assert_eq!(said.as_deref(), Some("the check panicked"));
    one.says(Says::Well);
    sleep(Duration::from_secs(2)).await;
    assert_eq!(text(&running, ComponentKind::Check, "patient").await.0, HealthStatus::Up);
}

#[tokio::test(start_paused = true)]
async fn checks_run_beside_each_other() {
    let one = Patient::default();
    one.says(Says::Nothing);
    let running = app(&one).with_health_check::<patient>().with_health_check::<is_slow>().start().await.unwrap();
    let begun = Instant::now();
    let health = running.health().await;
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    assert_eq!(health.component(ComponentKind::Check, "is-slow").unwrap().latency, Some(Duration::from_secs(3)));
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_questions_is_one_call() {
    let one = Patient::default();
    one.says(Says::Takes(Duration::from_millis(1_500)));
    let running = app(&one).with_health_check::<patient>().start().await.unwrap();
    // Those that ask meanwhile wait for the same call, also when the one that began it has gone away.
    assert!(tokio::time::timeout(Duration::from_secs(1), running.health()).await.is_err());
    let all = (0..100).map(|_| running.health());
    for health in futures_util::future::join_all(all).await {
        assert_eq!(health.status, HealthStatus::Up);
    }
    assert_eq!(one.calls(), 1);
    for _ in 0..100 {
        running.health().await;
    }
    assert_eq!(one.calls(), 1);
    advance(Duration::from_millis(1_001)).await;
    running.health().await;
    assert_eq!(one.calls(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_check_that_blocks_its_thread_keeps_nobody_waiting_and_is_not_called_again() {
    let one = Patient::default();
    let running = app(&one).with_health_check::<patient>().start().await.unwrap();
    one.says(Says::Blocks(Duration::from_secs(5)));
    let begun = Instant::now();
    let (status, said) = text(&running, ComponentKind::Check, "patient").await;
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert_eq!(status, HealthStatus::Down);
    assert!(said.is_some_and(|said| said.contains("as it blocks a thread")));
    sleep(Duration::from_millis(1_100)).await;
    let (_, said) = text(&running, ComponentKind::Check, "patient").await;
    assert!(said.is_some_and(|said| said.contains("as it blocks a thread")));
    assert_eq!(one.calls(), 1);
    one.says(Says::Well);
    // At last it has answered, well, and too late.
    sleep(Duration::from_secs(2)).await;
    let (status, said) = text(&running, ComponentKind::Check, "patient").await;
    assert!(said.as_ref().is_some_and(|said| said.contains("and blocked a thread meanwhile")), "{said:?}");
    assert_eq!((status, one.calls()), (HealthStatus::Down, 1));
    sleep(Duration::from_millis(1_100)).await;
    assert_eq!(text(&running, ComponentKind::Check, "patient").await.0, HealthStatus::Up);
}

/// An error that is not to be told, nor to be got rid of.
#[derive(Debug)]
struct Cursed {
    told: bool,
    dropped: bool,
}

impl std::fmt::Display for Cursed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        assert!(!self.told, "as it is told");
        f.write_str("cursed")
    }
}

impl std::error::Error for Cursed {}

impl Drop for Cursed {
    fn drop(&mut self) {
        assert!(!self.dropped, "as it is dropped");
    }
}

#[health_check]
async fn panics_as_it_is_told() -> Result<(), Cursed> {
    Err(Cursed { told: true, dropped: false })
}

#[health_check]
async fn panics_as_it_is_dropped() -> Result<(), Cursed> {
    Err(Cursed { told: false, dropped: true })
}

#[tokio::test(start_paused = true)]
async fn an_error_that_panics_is_told_as_what_it_is() {
    let app = App::only::<()>()
        .without_environment()
        .with_health_check::<panics_as_it_is_told>()
        .with_health_check::<panics_as_it_is_dropped>();
    let running = app.start().await.unwrap();
    let begun = Instant::now();
    for (name, why) in [("panics-as-it-is-told", "its `Display` panicked"), ("panics-as-it-is-dropped", "panicked")] {
        let (status, said) = text(&running, ComponentKind::Check, name).await;
        assert_eq!(status, HealthStatus::Down);
        assert!(said.as_ref().is_some_and(|said| said.contains(why)), "{name}: {said:?}");
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waited for what has ended");
}

struct Unprovided;

#[health_check]
async fn needs_what_nobody_has(_what: State<Unprovided>) -> Result<(), std::convert::Infallible> {
    Ok(())
}

#[health_check(name = "open_ward")]
async fn like_a_provider() -> Result<(), std::convert::Infallible> {
    Ok(())
}

#[test]
fn what_a_check_lacks_and_names_that_stand_twice_are_faults() {
    let one = Patient::default();
    let report = app(&one)
        .with_provider_of::<Ward>()
        .with_health_check::<needs_what_nobody_has>()
        .with_health_check::<like_a_provider>()
        .check()
        .unwrap_err()
        .to_string();
    let place = concat!(file!(), ":");
    assert!(report.contains("takes `State<it::health::checks::Unprovided>`, which nothing provides"), "{report}");
    assert!(
        report.contains("the health check `open_ward` was already registered at tests/it/health/mod.rs:"),
        "{report}"
    );
    assert_eq!(report.matches(place).count(), 2, "{report}");
}
