//! What is subscribed while the service runs is a subscriber like any other.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use swit::{
    App, Backoff, Context, Error, Event, Handle, Message, Middleware, Next, Outcome, Policies, Publish, State,
    SubscribeError, SubscriberState, Subscription, middleware, subscriber, testing::TestApp, transport::BoxFuture,
};
use tokio::time::{Instant, sleep};

use crate::support::{Journal, Task, task};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Event)]
#[event(topic = "task.done", version = 1, unrouted = "ignore")]
struct Done {
    text: String,
}

#[subscriber(topic = "task.created")]
async fn always_there(_task: Task) {}

#[subscriber(topic = "task.created", concurrency = 2, retries = 0)]
async fn may_be_subscribed(task: Task, journal: State<Journal>) {
    journal.note(format!("twin {}", task.text));
}

#[middleware(order = 1)]
async fn noted(cx: &mut Context, next: Next<'_>, journal: State<Journal>) -> Outcome {
    journal.note(format!("around {}", cx.receiver().subscriber));
    next.run(cx).await
}

async fn started(journal: &Journal) -> (TestApp, Handle) {
    let app = TestApp::start(App::only::<(always_there,)>().provide(journal.clone())).await.unwrap();
    let handle = app.running().handle();
    (app, handle)
}

#[tokio::test(start_paused = true)]
async fn a_closure_is_a_handler_like_any_other() {
    let journal = Journal::default();
    let (app, handle) = started(&journal).await;
    let prefix = "got".to_owned();
    let handler = move |task: Task, journal: State<Journal>| {
        let prefix = prefix.clone();
        async move {
            journal.note(format!("{prefix} {}", task.text));
            if task.text == "bad" { Err(std::io::Error::other("bad")) } else { Ok(Publish(Done { text: task.text })) }
        }
    };
    let policies = Policies::new().retries(2).backoff(Backoff::fixed(Duration::from_millis(100)));
    handle.subscribe(Subscription::new("task.*").policies(policies), handler).await.unwrap();
    for text in ["a", "bad"] {
        app.publish(&task(text)).await.unwrap();
    }
    app.wait_quiet().await;
    let mut lines = journal.lines();
    lines.sort();
    // What it publishes is of a topic that it takes too, but of another event.
    assert_eq!(lines, ["got a", "got bad", "got bad", "got bad"]);
    assert_eq!(app.published::<Done>(), [Done { text: "a".into() }]);
    let dead: Vec<_> = app.dead_letters("task.any-handler").iter().map(|letter| letter.attempts).collect();
    assert_eq!(dead, [1, 3], "what was no task at once, the task after its retries");
    let list = handle.list();
    let [linked, made] = list.as_slice() else { panic!("{list:?}") };
    assert_eq!((linked.name.as_str(), linked.dynamic), ("always-there", false));
    assert_eq!((made.name.as_str(), made.dynamic), ("task.any-handler", true));
    assert_eq!((made.state, made.counts.attempts), (SubscriberState::Consuming, 5));
    assert!(made.queue.ends_with(".task.any-handler") && made.dead_letter.as_ref().unwrap().ends_with(".dlq"));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_linked_handler_is_subscribed_by_its_twin_under_any_name() {
    let journal = Journal::default();
    let (app, handle) = started(&journal).await;
    handle.subscribe_to::<may_be_subscribed>(Subscription::as_written()).await.unwrap();
    handle.subscribe_to::<may_be_subscribed>(Subscription::as_written().name("twice")).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["twin x", "twin x"]);
    assert_eq!((app.attempts("may-be-subscribed"), app.attempts("twice")), (1, 1));
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_handler_subscribes_and_global_middleware_runs_around_that_too() {
    let journal = Journal::default();
    let app = App::only::<(always_there,)>().with_middleware::<noted>().provide(journal.clone());
    let app = TestApp::start(app).await.unwrap();
    let handle = app.running().handle();
    let nested = |task: Task, handle: Handle| async move {
        let inner = |task: Task, journal: State<Journal>| async move { journal.note(format!("inner {}", task.text)) };
        handle.subscribe(Subscription::new("task.created").name(task.text), inner).await
    };
    handle.subscribe(Subscription::new("task.created").name("outer"), nested).await.unwrap();
    app.publish(&task("made")).await.unwrap();
    app.wait_quiet().await;
    handle.unsubscribe("outer").await.unwrap();
    app.publish(&task("second")).await.unwrap();
    app.wait_quiet().await;
    let lines = journal.lines();
    assert!(lines.contains(&"around made".to_owned()) && lines.contains(&"inner second".to_owned()), "{lines:?}");
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn configuration_goes_before_what_is_written() {
    let journal = Journal::default();
    let app = App::only::<(always_there,)>()
        .provide(journal.clone())
        .expect_subscriber("audit")
        .expect_subscriber("off")
        .set("subscriber.audit.retries", 1)
        .set("subscriber.audit.topics", vec!["task.created", "task.done"])
        .set("subscriber.off.enabled", false);
    let app = TestApp::start(app).await.unwrap();
    let handle = app.running().handle();
    let fails = |_: bytes::Bytes| async { Err::<(), _>(std::io::Error::other("no")) };
    let written = Subscription::new("other").name("audit").policies(Policies::new().retries(9));
    handle.subscribe(written, fails).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.attempts("audit"), 2);
    assert_eq!(handle.list()[1].topics, ["task.created", "task.done"]);
    let off = handle.subscribe(Subscription::new("other").name("off"), fails).await;
    assert!(matches!(off, Err(Error::NotSubscribed(SubscribeError::Disabled { .. }))), "{off:?}");
    app.shutdown().await.unwrap();
}

struct Tag(Journal);

impl Middleware for Tag {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            self.0.note("in");
            let outcome = next.run(cx).await;
            self.0.note(if outcome.is_success() { "out" } else { "failed" });
            outcome
        })
    }
}

#[tokio::test(start_paused = true)]
async fn policies_stand_where_they_belong_in_whatever_order_they_are_named() {
    let seconds = Duration::from_secs;
    let mut seen = Vec::new();
    let tagged = |policies: Policies, journal: &Journal| policies.middleware("tag", Tag(journal.clone()));
    let wait = Backoff::fixed(seconds(1));
    for order in [0, 1, 2] {
        let journal = Journal::default();
        let policies = match order {
            0 => tagged(Policies::new().timeout(seconds(5)).retries(2).backoff(wait).dead_letter("given-up"), &journal),
            1 => tagged(Policies::new(), &journal).dead_letter("given-up").backoff(wait).retries(2).timeout(seconds(5)),
            _ => tagged(Policies::new().retries(2).dead_letter("given-up"), &journal).timeout(seconds(5)).backoff(wait),
        };
        let (app, handle) = started(&journal).await;
        let began = Instant::now();
        let handler = |journal: State<Journal>| async move {
            journal.note("called");
            if journal.lines().len() > 2 {
                // The second attempt runs into its timeout, which also ends the middleware.
                sleep(Duration::from_mins(1)).await;
            }
            Err::<(), _>(std::io::Error::other("no"))
        };
        handle.subscribe(Subscription::new("task.created").name("x").policies(policies), handler).await.unwrap();
        app.publish(&task("x")).await.unwrap();
        app.wait_quiet().await;
        let given_up = app.running().inspect("default").unwrap().depth("given-up");
        seen.push((journal.lines(), began.elapsed().as_secs(), given_up));
        app.shutdown().await.unwrap();
    }
    assert_eq!(seen[0].0, ["in", "called", "failed", "in", "called", "in", "called"]);
    assert_eq!((seen[0].1, seen[0].2), (12, Some(1)), "two waits of a second and two timeouts of five");
    assert!(seen.iter().all(|one| *one == seen[0]), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_validation_stands_inside_the_middleware_in_whatever_order_it_is_named() {
    let named = |message: &Message| message.headers.get("x-tenant").map(|_| ()).ok_or("it names no tenant");
    let short = |message: &Message| match message.payload.len() {
        0..100 => Ok(()),
        length => Err(format!("it has {length} bytes")),
    };
    for order in [0, 1] {
        let (journal, policies) = (Journal::default(), Policies::new().retries(5));
        let policies = match order {
            0 => policies.validate(named).middleware("tag", Tag(journal.clone())).validate(short),
            _ => policies.middleware("tag", Tag(journal.clone())).validate(short).validate(named),
        };
        let (app, handle) = started(&journal).await;
        let handler = |_: Task, journal: State<Journal>| async move { journal.note("called") };
        handle.subscribe(Subscription::new("task.created").name("x").policies(policies), handler).await.unwrap();
        let tenant = |text: &str| {
            Message::new("", serde_json::to_vec(&task(text)).unwrap()).with_header("x-tenant", "a".to_owned())
        };
        app.publish(&task("x")).await.unwrap();
        app.publish_to("task.created", tenant(&"x".repeat(100))).await.unwrap();
        app.publish_to("task.created", tenant("x")).await.unwrap();
        app.wait_quiet().await;
        assert_eq!(journal.lines(), ["in", "failed", "in", "failed", "in", "called", "out"], "{order}");
        let dead: Vec<_> =
            app.dead_letters("x").into_iter().map(|dead| (dead.reason, dead.error, dead.attempts)).collect();
        let invalid = |error: &str| ("invalid_input".to_owned(), error.to_owned(), 1);
        assert_eq!(dead, [invalid("it names no tenant"), invalid("it has 121 bytes")]);
        app.shutdown().await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_handle_is_had_before_the_service_runs_and_waits_for_it() {
    let journal = Journal::default();
    let app = App::only::<(always_there,)>().provide(journal.clone());
    let handle = app.handle();
    assert!(handle.list().is_empty());
    assert!(matches!(handle.pause("always-there"), Err(Error::NotSubscribed(SubscribeError::NotRunning))));
    let waiting = tokio::spawn({
        let handle = handle.clone();
        async move { handle.subscribe(Subscription::new("task.created").name("early"), |_: Task| async {}).await }
    });
    sleep(Duration::from_mins(1)).await;
    assert!(!waiting.is_finished());
    let app = TestApp::start(app).await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(handle.list().len(), 2);
    app.shutdown().await.unwrap();
    assert!(matches!(handle.unsubscribe("early").await, Err(Error::NotSubscribed(SubscribeError::NotRunning))));

    let app = App::only::<(always_there,)>();
    let handle = app.handle();
    let (answer, ()) =
        tokio::join!(handle.subscribe(Subscription::new("task.created"), |_: Task| async {}), async { drop(app) });
    assert!(matches!(answer, Err(Error::NotSubscribed(SubscribeError::NotRunning))), "{answer:?}");
}
