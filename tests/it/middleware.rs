//! Middleware: order, reach, extensions, extractors, and what it may decide.

use swit::{App, Context, Extension, Message, Next, Outcome, State, middleware, subscriber, testing::TestApp};

use crate::support::{Journal, Task, task};

#[derive(Debug, Clone, PartialEq)]
struct Tenant(String);

#[middleware(order = 20)]
async fn inner(cx: &mut Context, next: Next<'_>, journal: State<Journal>) -> Outcome {
    journal.note("inner in");
    let outcome = next.run(cx).await;
    journal.note("inner out");
    outcome
}

#[middleware(order = 10)]
async fn outer(cx: &mut Context, next: Next<'_>, journal: State<Journal>) -> Outcome {
    journal.note("outer in");
    cx.insert_extension(Tenant("acme".into()));
    let outcome = next.run(cx).await;
    journal.note(format!("outer out {}", outcome.is_success()));
    outcome
}

#[middleware(global = false)]
async fn listed(cx: &mut Context, next: Next<'_>, journal: State<Journal>) -> Outcome {
    journal.note("listed");
    if cx.headers().get("x-stop").is_some() { Outcome::discard("stopped") } else { next.run(cx).await }
}

#[middleware(except = ["spared"])]
async fn almost_everywhere(cx: &mut Context, next: Next<'_>, journal: State<Journal>) -> Outcome {
    let subscriber = cx.receiver().subscriber.clone();
    journal.note(format!("around {subscriber}"));
    next.run(cx).await
}

#[subscriber(topic = "task.created", middleware = [listed])]
async fn surrounded(_task: Task, tenant: Extension<Tenant>, journal: State<Journal>) {
    journal.note(format!("handler for {}", tenant.0.0));
}

#[subscriber(topic = "task.created")]
async fn spared(_task: Task, tenant: Option<Extension<Tenant>>, journal: State<Journal>) {
    journal.note(format!("spared {}", tenant.is_some()));
}

#[subscriber(topic = "task.created", retries = 0)]
async fn needs_a_tenant(_task: Task, _tenant: Extension<Tenant>) {}

#[tokio::test(start_paused = true)]
async fn the_chain_stands_in_its_order_and_extensions_travel_inwards() {
    let journal = Journal::default();
    let app = App::only::<(surrounded,)>().with_middleware::<inner>().with_middleware::<outer>();
    let app = TestApp::start(app.provide(journal.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["outer in", "inner in", "listed", "handler for acme", "inner out", "outer out true"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn middleware_may_decide_and_sees_what_cannot_be_decoded() {
    let journal = Journal::default();
    let app = App::only::<(surrounded,)>().with_middleware::<outer>().provide(journal.clone());
    let app = TestApp::start(app).await.unwrap();
    let stopped = Message::new("", serde_json::to_vec(&task("x")).unwrap()).with_header("x-stop", true);
    app.publish_to("task.created", stopped).await.unwrap();
    app.publish_to("task.created", Message::new("", "{")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["outer in", "listed", "outer out false", "outer in", "listed", "outer out false"]);
    assert_eq!(app.stats_of("surrounded").unwrap().counts.discarded, 1);
    assert_eq!(app.dead_letters("surrounded")[0].reason, "invalid_input");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn reach_is_as_written_and_as_configured() {
    let journal = Journal::default();
    let app = || {
        App::only::<(surrounded, spared)>()
            .with_middleware::<almost_everywhere>()
            .with_middleware::<outer>()
            .provide(journal.clone())
    };
    let app = TestApp::start(app().set("middleware.outer.only", vec!["surrounded".to_owned()])).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let lines = journal.lines();
    assert!(lines.contains(&"around surrounded".to_owned()) && !lines.contains(&"around spared".to_owned()));
    assert!(lines.contains(&"spared false".to_owned()), "{lines:?}");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_missing_extension_is_a_permanent_failure_that_names_it() {
    let app = TestApp::start(App::only::<(needs_a_tenant,)>()).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("needs-a-tenant");
    assert_eq!(dead[0].reason, "permanent");
    assert!(dead[0].error.contains("Tenant"), "{}", dead[0].error);
    app.shutdown().await.unwrap();
}
