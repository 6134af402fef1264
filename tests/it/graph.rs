//! The start-up report: every fault of a service, with its place, before anything is built or connected.

use std::sync::atomic::{AtomicBool, Ordering};

use serde::Deserialize;
use swit::{App, Config, ConfigSection, StartupReport, State, middleware, provider, subscriber};

use crate::support::Task;

struct Unprovided;

/// Built by two providers that need each other.
struct Chicken;
struct Egg;

static BUILT: AtomicBool = AtomicBool::new(false);

struct Twice;

#[provider]
async fn first_of_two() -> Result<Twice, std::io::Error> {
    BUILT.store(true, Ordering::Relaxed);
    Ok(Twice)
}

#[provider]
async fn second_of_two() -> Result<Twice, std::io::Error> {
    Ok(Twice)
}

#[provider]
async fn hatch(_egg: State<Egg>) -> Result<Chicken, std::io::Error> {
    Ok(Chicken)
}

#[provider]
async fn lay(_chicken: State<Chicken>) -> Result<Egg, std::io::Error> {
    Ok(Egg)
}

#[derive(Deserialize, ConfigSection)]
#[config(section = "graph_test")]
struct Settings {
    #[expect(dead_code, reason = "read by the configuration only")]
    limit: u32,
}

#[subscriber(topic = "task.created", dead_letter = "service.eats-itself")]
async fn eats_itself(_task: Task) {}

#[subscriber(topic = "task.created")]
async fn wants_much(_task: Task, _a: State<Unprovided>, _b: State<Twice>, _c: State<Chicken>, _d: Config<Settings>) {}

#[subscriber(name = "same-name", topic = "task.created")]
async fn one(_task: Task) {}

#[subscriber(name = "same-name", topic = "task.created", transport = "elsewhere")]
async fn other(_task: Task) {}

#[middleware(only = ["nobody"])]
async fn pointless(cx: &mut swit::Context, next: swit::Next<'_>) -> swit::Outcome {
    next.run(cx).await
}

fn report(app: &App) -> StartupReport {
    app.check().expect_err("the graph is wrong")
}

#[test]
fn all_faults_are_in_one_report_each_with_its_place() {
    let app = App::only::<(eats_itself, wants_much, one, other)>()
        .with_provider_of::<Twice>()
        .with_provider_of::<Chicken>()
        .with_provider_of::<Egg>()
        .with_middleware::<pointless>()
        .set("subscriber.wants-much.concurrency", 0)
        .set("subscriber.wants-mush.retries", 1);
    let text = report(&app).to_string();
    for expected in [
        "`eats-itself` consumes its own dead-letter queue",
        "`wants_much` takes `State<it::graph::Unprovided>`, which nothing provides",
        "`second_of_two` builds `it::graph::Twice`, which `first_of_two` (tests/it/graph.rs:",
        "require each other",
        "the subscriber `same-name` was already registered at tests/it/graph.rs:",
        "there is no transport `elsewhere`",
        "`subscriber.wants-much.concurrency`: 0 is not between 1 and 65535",
        "missing field `limit`",
        "wants-mush",
    ] {
        assert!(text.contains(expected), "{expected:?} is not in:\n{text}");
    }
    let placed = text.lines().filter(|line| line.contains("tests/it/graph.rs:")).count();
    assert!(placed >= 6, "{text}");
    assert!(!BUILT.load(Ordering::Relaxed), "nothing was built");
}

#[test]
fn a_repaired_graph_is_accepted() {
    let app =
        App::only::<(wants_much, one)>().provide(Unprovided).provide(Twice).provide(Chicken).set("graph_test.limit", 3);
    let graph = app.check().unwrap();
    assert_eq!(graph.subscribers(), 2);
    let mermaid = graph.view().mermaid();
    assert!(mermaid.contains("wants-much") && mermaid.contains("task.created"), "{mermaid}");
    assert!(graph.view().dot().contains("service.wants-much.dlq"));
}

#[test]
fn a_whole_service_is_checked_too() {
    // Everything that this test binary links is one service, with the faults of this file in it.
    let report = report(&App::new().without_environment());
    let text = report.to_string();
    assert!(text.contains("the middleware `pointless` names the subscriber `nobody`"), "{text}");
    let mut places: Vec<_> = report.faults.iter().map(|fault| fault.location.clone()).collect();
    let found = places.clone();
    places.sort();
    assert_eq!(found, places, "in the order of their places");
}

#[test]
fn configured_topics_are_held_to_the_events() {
    let app = App::only::<(one,)>().set("subscriber.same-name.topics", vec!["order.*".to_owned()]);
    let text = report(&app).to_string();
    assert!(text.contains("takes `Task` of topic \"task.created\", which none of its topics covers"), "{text}");
    assert!(text.contains("builder: "), "{text}");
}

#[tokio::test]
async fn starting_a_wrong_service_is_the_same_report() {
    let error = App::only::<(eats_itself,)>().start().await.expect_err("it does not start");
    assert!(
        format!("{error:?}").starts_with("the service does not start: 1 fault\n   1. tests/it/graph.rs:"),
        "{error:?}"
    );
}
