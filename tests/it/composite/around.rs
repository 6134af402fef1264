//! Composites and the middleware around them.

use swit::{
    App, Context, Extension, Failure, Message, Next, Outcome, State, event_handler, middleware, testing::TestApp,
};

use super::{Script, Step, StepError};
use crate::support::{Journal, Task, task};

#[derive(Debug, Clone)]
struct Tenant(&'static str);

/// Refuses the first success, and looks for what it left inside once the handlers are through.
#[middleware(global = false)]
async fn refuses_once(cx: &mut Context, next: Next<'_>, journal: State<Journal>) -> Outcome {
    cx.insert_extension(Tenant("acme"));
    let outcome = next.run(cx).await;
    let tenant = cx.extension::<Tenant>().map_or("nobody", |tenant| tenant.0);
    match outcome {
        Outcome::Success if cx.attempt() == 1 => {
            journal.note(format!("refused for {tenant}"));
            Failure::new(swit::FailureKind::Handler, "the middleware refused").into()
        }
        Outcome::Failed(failure) => {
            journal.note(format!("{failure}, {:?}", failure.class()));
            failure.into()
        }
        outcome => outcome,
    }
}

swit::composite!(
    is_surrounded,
    strategy = parallel,
    topic = "task.created",
    middleware = [refuses_once],
    retries = 2,
    backoff = none
);

#[event_handler(composite = is_surrounded, order = 1, name = "a")]
async fn surrounded_a(_task: Task, tenant: Extension<Tenant>, script: State<Script>) -> Result<(), StepError> {
    assert_eq!(tenant.0.0, "acme");
    script.play("a").await
}

#[event_handler(composite = is_surrounded, order = 2, name = "b")]
async fn surrounded_b(_task: Task, tenant: Extension<Tenant>, script: State<Script>) -> Result<(), StepError> {
    assert_eq!(tenant.0.0, "acme");
    script.play("b").await
}

async fn app(script: &Script) -> TestApp {
    let app = App::only::<(is_surrounded,)>().provide(script.clone()).provide(script.journal.clone());
    TestApp::start(app).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_middleware_refuses_is_not_done_again_by_the_handlers() {
    let script = Script::default();
    let app = app(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(script.lines(), ["a starts", "a ends", "b starts", "b ends", "refused for acme"]);
    let counts = app.stats_of("is-surrounded").unwrap().counts;
    assert_eq!((counts.attempts, counts.succeeded), (2, 1));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn middleware_sees_the_errors_of_all_and_a_class_for_all_of_them() {
    let script = Script::default().with("a", &[Step::Break]).with("b", &[Step::Fail]);
    let app = app(&script).await;
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(
        script.lines(),
        [
            "a starts",
            "a fails",
            "b starts",
            "b fails",
            "`a`: `a` never will; `b`: `b` can't now, Transient",
            "b starts",
            "b ends",
            "`a`: `a` never will, Permanent",
        ]
    );
    assert_eq!(app.dead_letters("is-surrounded")[0].reason, "permanent");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_nobody_can_read_fails_each_handler_once() {
    let script = Script::default();
    let app = app(&script).await;
    app.publish_to("task.created", Message::new("", "{")).await.unwrap();
    app.wait_quiet().await;
    let dead = app.dead_letters("is-surrounded");
    assert_eq!((dead.len(), dead[0].reason.as_str(), dead[0].attempts), (1, "invalid_input", 1));
    assert!(dead[0].error.starts_with("`a`: ") && dead[0].error.contains("; `b`: "), "{}", dead[0].error);
    app.shutdown().await.unwrap();
}
