//! Who has no valid token is dead-lettered; who can't be asked is asked again.

use std::sync::atomic::{AtomicU32, Ordering};

use swit::{
    App, Context, Extension, Message, Middleware, Next, Outcome, State, middleware,
    middlewares::{Authentication, Claims, TokenError, TokenValidator},
    subscriber,
    testing::TestApp,
    transport::BoxFuture,
};

use crate::support::{Journal, Task, task};

/// Knows one token. Its key server is away the first times it is asked.
struct Doorman {
    away: AtomicU32,
}

impl TokenValidator for Doorman {
    fn validate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Claims, TokenError>> {
        Box::pin(async move {
            if self.away.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
                return Err(TokenError::unavailable(format!("GET https://keys/{token}: no route to host")));
            }
            if token != "s3cr3t" {
                return Err(TokenError::Refused("its token is unknown"));
            }
            let serde_json::Value::Object(claims) = serde_json::json!({"sub": "ada"}) else { unreachable!() };
            Ok(claims.into())
        })
    }
}

#[middleware(global = false)]
async fn authenticated(cx: &mut Context, next: Next<'_>, authentication: State<Authentication>) -> Outcome {
    authentication.handle(cx, next).await
}

#[subscriber(topic = "task.created", middleware = [authenticated])]
async fn private(_task: Task, claims: Extension<Claims>, journal: State<Journal>) {
    journal.note(claims.0.subject().unwrap_or_default());
}

fn with(authorization: &str) -> Message {
    Message::new("", serde_json::to_vec(&task("x")).unwrap()).with_header("authorization", authorization.to_owned())
}

async fn start(away: u32) -> (TestApp, Journal) {
    let journal = Journal::default();
    let app = App::only::<(private,)>()
        .provide(journal.clone())
        .provide(Authentication::bearer(Doorman { away: AtomicU32::new(away) }));
    (TestApp::start(app).await.unwrap(), journal)
}

#[tokio::test(start_paused = true)]
async fn a_valid_token_lets_in_and_its_claims_with_it() {
    let (app, journal) = start(0).await;
    for authorization in ["Bearer s3cr3t", "bearer  s3cr3t ", "BEARER s3cr3t"] {
        app.publish_to("task.created", with(authorization)).await.unwrap();
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["ada", "ada", "ada"]);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn without_one_it_is_a_dead_letter_at_once_that_does_not_tell_the_token() {
    let (app, journal) = start(0).await;
    app.publish(&task("no token")).await.unwrap();
    for authorization in ["Basic s3cr3t", "s3cr3t", "Bearer", "Bearer ", "Bearer 0ther-t0ken", "Bearer s3cr3t s3cr3t"] {
        app.publish_to("task.created", with(authorization)).await.unwrap();
    }
    app.wait_quiet().await;
    let dead = app.dead_letters("private");
    assert_eq!((dead.len(), journal.lines().len(), app.attempts("private")), (7, 0, 7));
    for letter in dead {
        assert_eq!((letter.reason.as_str(), letter.attempts), ("unauthorized", 1));
        assert!(!letter.error.contains("t0ken") && !letter.error.contains("s3cr3t"), "{}", letter.error);
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_validator_that_cannot_tell_is_asked_again() {
    let (app, journal) = start(2).await;
    app.publish_to("task.created", with("Bearer s3cr3t")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!((journal.lines().len(), app.attempts("private")), (1, 3));
    app.shutdown().await.unwrap();
    let (app, _) = start(100).await;
    app.publish_to("task.created", with("Bearer s3cr3t")).await.unwrap();
    app.wait_quiet().await;
    let dead = &app.dead_letters("private")[0];
    assert_eq!((dead.reason.as_str(), dead.attempts), ("max_retries_exceeded", 6));
    assert!(dead.error.contains("[token]") && !dead.error.contains("s3cr3t"), "{}", dead.error);
    app.shutdown().await.unwrap();
}
