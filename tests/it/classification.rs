//! Rules that classify errors, the app's error handler, jitter.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use swit::{
    App, Class, Classification, Classify, Decision, Error, ErrorAction, ErrorClassifier, ErrorHandler, FailedAttempt,
    RateLimited, State, SubscribeError, Subscription, subscriber,
    testing::TestApp,
    transport::BoxFuture,
    transports::rabbitmq::{Address, RabbitMqOptions, RabbitMqTransport},
};
use swit_testbed::broker::Broker;
use tokio::time::Instant;

use crate::support::{Journal, Task, task};

#[derive(Debug, thiserror::Error)]
#[error("partner says {0}")]
struct Partner(u16);

#[derive(Debug, thiserror::Error, Classify)]
enum Wrapping {
    #[error(transparent)]
    #[class(from)]
    Partner(#[from] Partner),
    #[error("own")]
    #[class(transient, retries = 1, backoff = none)]
    Own(#[source] Partner),
}

fn partner(task: &Task) -> Partner {
    Partner(task.text.parse().unwrap_or(500))
}

#[subscriber(topic = "task.created", backoff = none)]
async fn by_rules(task: Task) -> Result<(), Partner> {
    Err(partner(&task))
}

#[subscriber(topic = "task.created", backoff = none)]
async fn wraps(task: Task) -> Result<(), Wrapping> {
    match task.text.as_str() {
        "own" => Err(Wrapping::Own(Partner(400))),
        _ => Err(partner(&task).into()),
    }
}

#[subscriber(topic = "task.created", backoff = none)]
async fn returns_outcomes(task: Task) -> swit::Outcome {
    swit::Outcome::fail(partner(&task))
}

fn four_hundreds_are_throttled() -> ErrorClassifier {
    ErrorClassifier::empty().on(|error: &Partner| (error.0 == 400).then_some(Class::Throttle))
}

#[subscriber(topic = "task.created", backoff = none, classifier = four_hundreds_are_throttled)]
async fn has_its_own(task: Task) -> Result<(), Partner> {
    Err(partner(&task))
}

#[subscriber(topic = "task.created", backoff = none)]
async fn built_in(task: Task) -> Result<(), io::Error> {
    Err(match task.text.as_str() {
        "network" => io::ErrorKind::ConnectionReset.into(),
        "input" => io::Error::other("x".parse::<u8>().unwrap_err()),
        _ => io::Error::other("?"),
    })
}

#[subscriber(topic = "task.created", retries = 2, backoff = none)]
async fn has_a_ceiling(_task: Task) -> Result<(), io::Error> {
    Err(io::ErrorKind::ConnectionReset.into())
}

fn rules() -> ErrorClassifier {
    ErrorClassifier::new().on(|error: &Partner| match error.0 {
        400 => Some(Class::InvalidInput),
        503 => Some(Class::SystemFailure),
        1 => panic!("a rule"),
        _ => None,
    })
}

/// Publishes these texts and says how each ended: attempts and reason of its dead letter.
async fn ends(app: TestApp, subscriber: &str, texts: &[&str]) -> Vec<(u32, String)> {
    let mut ends = Vec::new();
    for text in texts {
        app.publish(&task(*text)).await.unwrap();
        app.wait_quiet().await;
        let letters = app.dead_letters(subscriber);
        let last = letters.last().unwrap();
        ends.push((last.attempts, last.reason.clone()));
    }
    app.shutdown().await.unwrap();
    ends
}

fn end(attempts: u32, reason: &str) -> (u32, String) {
    (attempts, reason.to_owned())
}

const SPENT: &str = "max_retries_exceeded";

#[tokio::test(start_paused = true)]
async fn the_apps_rules_decide_for_errors_without_a_class() {
    let app = TestApp::start(App::only::<(by_rules,)>().provide(rules())).await.unwrap();
    let found = ends(app, "by-rules", &["400", "503", "418", "1"]).await;
    assert_eq!(found, [end(1, "invalid_input"), end(4, SPENT), end(4, SPENT), end(4, SPENT)]);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_is_classified_as_an_error_is() {
    let app = TestApp::start(App::only::<(returns_outcomes,)>().provide(rules())).await.unwrap();
    assert_eq!(ends(app, "returns-outcomes", &["400", "418"]).await, [end(1, "invalid_input"), end(4, SPENT)]);
}

#[tokio::test(start_paused = true)]
async fn a_wrapped_error_asks_the_rules_and_an_errors_own_class_does_not() {
    let app = TestApp::start(App::only::<(wraps,)>().provide(rules())).await.unwrap();
    let found = ends(app, "wraps", &["400", "418", "own"]).await;
    assert_eq!(found, [end(1, "invalid_input"), end(4, SPENT), end(2, SPENT)]);
}

#[tokio::test(start_paused = true)]
async fn a_subscribers_own_classifier_is_asked_before_the_apps() {
    let app = TestApp::start(
        App::only::<(has_its_own,)>().provide(ErrorClassifier::new().on(|_: &Partner| Class::Permanent)),
    )
    .await
    .unwrap();
    assert_eq!(ends(app, "has-its-own", &["400", "401"]).await, [end(4, SPENT), end(1, "permanent")]);
}

#[tokio::test(start_paused = true)]
async fn the_built_in_rules_are_there_without_a_word() {
    let app = TestApp::start(App::only::<(built_in,)>()).await.unwrap();
    let found = ends(app, "built-in", &["network", "input", "?"]).await;
    assert_eq!(found, [end(6, SPENT), end(1, "invalid_input"), end(4, SPENT)]);
}

#[tokio::test(start_paused = true)]
async fn an_app_may_drop_the_built_in_rules() {
    let app = TestApp::start(App::only::<(built_in,)>().provide(ErrorClassifier::empty())).await.unwrap();
    assert_eq!(ends(app, "built-in", &["network", "input"]).await, [end(4, SPENT), end(4, SPENT)]);
}

#[tokio::test(start_paused = true)]
async fn written_retries_are_the_ceiling_of_a_rule() {
    let app = TestApp::start(App::only::<(has_a_ceiling,)>()).await.unwrap();
    assert_eq!(ends(app, "has-a-ceiling", &["x"]).await, [end(3, SPENT)]);
}

#[tokio::test(start_paused = true)]
async fn a_rule_may_say_how_long_the_other_side_wants_to_be_left_alone() {
    let wait = Duration::from_secs(40);
    let rules = ErrorClassifier::empty()
        .on(move |_: &Partner| Classification::new(Class::Throttle).with_retries(2).with_retry_after(wait));
    let app = TestApp::start(App::only::<(by_rules,)>().provide(rules)).await.unwrap();
    let began = Instant::now();
    assert_eq!(ends(app, "by-rules", &["429"]).await, [end(3, SPENT)]);
    assert!(began.elapsed() >= wait * 2, "{:?}", began.elapsed());
}

/// Says nothing of its class: what it wraps does.
#[derive(Debug, thiserror::Error)]
#[error("the call failed")]
struct Call(#[source] Box<dyn std::error::Error + Send + Sync>);

#[subscriber(topic = "task.created")]
async fn calls(task: Task) -> Result<(), Call> {
    let wait = task.text.parse().ok().map(Duration::from_secs);
    Err(Call(match task.text.as_str() {
        "full" => {
            let (publisher, capacity) = ("orders".into(), 1);
            Box::new(swit::PublishError::QueueFull { publisher, capacity })
        }
        "closed" => Box::new(swit::PublishError::Closed),
        "encode" => Box::new(serde_json::from_str::<u8>("x").unwrap_err()),
        _ => Box::new(io::Error::other(RateLimited { retry_after: wait })),
    }))
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_a_throttle_and_waits_as_long_as_it_says() {
    // Three waits: of 1, 2 and 3 s by the class, or as the error asks where that is longer.
    for (text, expected) in [("", 6), ("2", 2 + 2 + 3), ("40", 120)] {
        let app = TestApp::start(App::only::<(calls,)>().provide(ErrorClassifier::empty())).await.unwrap();
        let began = Instant::now();
        assert_eq!(ends(app, "calls", &[text]).await, [end(4, SPENT)]);
        assert_eq!(began.elapsed().as_secs(), expected, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn swits_own_errors_have_their_class_inside_of_others() {
    let app = TestApp::start(App::only::<(calls,)>()).await.unwrap();
    let found = ends(app, "calls", &["closed", "encode"]).await;
    assert_eq!(found, [end(6, SPENT), end(1, "invalid_input")]);
    let app = TestApp::start(App::only::<(calls,)>()).await.unwrap();
    let began = Instant::now();
    assert_eq!(ends(app, "calls", &["full"]).await, [end(4, SPENT)]);
    // Exactly 1, 2 and 3 s: a throttle's, which have no jitter.
    assert!(began.elapsed() < Duration::from_millis(6_100), "{:?}", began.elapsed());
}

fn panics_at_once() -> ErrorClassifier {
    panic!("no rules today")
}

#[subscriber(topic = "task.created", classifier = panics_at_once)]
async fn has_no_rules(_task: Task) {}

#[tokio::test(start_paused = true)]
async fn a_classifier_that_panics_when_it_is_made_is_a_fault_that_names_the_subscriber() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let checked = App::only::<(has_no_rules,)>().check();
    let app = TestApp::start(App::only::<(by_rules,)>()).await.unwrap();
    let subscribed = app.running().handle().subscribe_to::<has_no_rules>(Subscription::as_written()).await;
    std::panic::set_hook(hook);
    let Err(Error::NotSubscribed(SubscribeError::Invalid { name, faults })) = subscribed else {
        panic!("{subscribed:?}")
    };
    assert_eq!(&*name, "has-no-rules");
    for faults in [checked.unwrap_err().faults, faults] {
        let [fault] = &*faults else { panic!("{faults:?}") };
        assert_eq!(fault.message, "the classifier of `has-no-rules` panicked: no rules today");
        assert!(fault.location.contains("tests/it/classification.rs:"), "{fault:?}");
    }
    app.shutdown().await.unwrap();
}

/// Never gives anything up.
struct Stubborn;

impl ErrorHandler for Stubborn {
    fn decide<'a>(&'a self, failed: FailedAttempt<'a>) -> BoxFuture<'a, ErrorAction> {
        // Waits here, and waits in the broker.
        let wait = Duration::from_millis(if failed.attempt.is_multiple_of(2) { 0 } else { 1_500 });
        let again = if failed.attempt.is_multiple_of(3) { ErrorAction::Retry } else { ErrorAction::RetryAfter(wait) };
        Box::pin(std::future::ready(again))
    }
}

#[derive(Debug, thiserror::Error, Classify)]
enum Budgeted {
    #[error("of the class")]
    #[class(transient)]
    OfTheClass,
    #[error("of its own")]
    #[class(throttle, retries = 1)]
    OfItsOwn,
    #[error("permanent")]
    #[class(permanent)]
    Permanent,
}

fn budgeted(task: &Task) -> Result<(), Budgeted> {
    Err(match task.text.as_str() {
        "own" => Budgeted::OfItsOwn,
        "permanent" => Budgeted::Permanent,
        _ => Budgeted::OfTheClass,
    })
}

#[subscriber(topic = "task.created")]
async fn by_class(task: Task) -> Result<(), Budgeted> {
    budgeted(&task)
}

#[subscriber(topic = "task.created", retries = 7)]
async fn by_seven(task: Task) -> Result<(), Budgeted> {
    budgeted(&task)
}

#[subscriber(topic = "task.created", retries = 0)]
async fn by_none(task: Task) -> Result<(), Budgeted> {
    budgeted(&task)
}

#[tokio::test(start_paused = true)]
async fn a_handler_of_errors_that_never_gives_up_stays_within_the_budget() {
    let texts = ["class", "own", "permanent"];
    for (subscriber, attempts) in [("by-class", [6, 2, 4]), ("by-seven", [8, 2, 8]), ("by-none", [1, 1, 1])] {
        let handler: Arc<dyn ErrorHandler> = Arc::new(Stubborn);
        let app = TestApp::start(App::only::<(by_class, by_seven, by_none)>().provide(handler)).await.unwrap();
        assert_eq!(ends(app, subscriber, &texts).await, attempts.map(|attempts| end(attempts, SPENT)), "{subscriber}");
    }
}

struct Says;

impl ErrorHandler for Says {
    fn decide<'a>(&'a self, failed: FailedAttempt<'a>) -> BoxFuture<'a, ErrorAction> {
        Box::pin(async move {
            assert!(!failed.message.payload.is_empty() && failed.attempt >= 1);
            match failed.failure.error().to_string().as_str() {
                "partner says 1" => panic!("the handler of errors"),
                "partner says 2" => std::future::pending().await,
                "partner says 3" => ErrorAction::Retry,
                "partner says 4" => ErrorAction::DeadLetter("mine".into()),
                "partner says 5" if matches!(failed.planned, Decision::DeadLetter { .. }) => ErrorAction::Discard,
                _ => ErrorAction::ByClass,
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn an_app_may_replace_the_error_handler() {
    let handler: Arc<dyn ErrorHandler> = Arc::new(Says);
    let app = TestApp::start(App::only::<(by_rules,)>().provide(handler)).await.unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    app.publish(&task("5")).await.unwrap();
    app.wait_quiet().await;
    assert_eq!(app.stats_of("by-rules").unwrap().counts.discarded, 1);
    // A handler that fails leaves it to the policy; one that always asks for a retry stays within the budget.
    let found = ends(app, "by-rules", &["1", "2", "3", "4", "6"]).await;
    std::panic::set_hook(hook);
    assert_eq!(found, [end(4, SPENT), end(4, SPENT), end(4, SPENT), end(1, "mine"), end(4, SPENT)]);
}

#[derive(Clone, Default)]
struct Times(Arc<Mutex<Vec<Instant>>>);

#[subscriber(
    topic = "task.created",
    ordered,
    retries = 8,
    backoff = exponential("1s", max = "20s", jitter = "decorrelated")
)]
async fn jitters(_task: Task, times: State<Times>) -> Result<(), Partner> {
    times.0.lock().unwrap().push(Instant::now());
    Err(Partner(0))
}

#[tokio::test(start_paused = true)]
async fn decorrelated_waits_stay_between_the_first_and_the_longest() {
    let times = Times::default();
    let app = TestApp::start(App::only::<(jitters,)>().provide(times.clone())).await.unwrap();
    app.publish(&task("x")).await.unwrap();
    app.wait_quiet().await;
    let times = times.0.lock().unwrap().clone();
    let waits: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits.len(), 8);
    // The timer works in whole milliseconds.
    let bounds = Duration::from_secs(1)..=Duration::from_millis(20_002);
    assert!(waits.iter().all(|wait| bounds.contains(wait)), "{waits:?}");
    let mut distinct = waits.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert!(distinct.len() > 4, "chance has its part: {waits:?}");
    app.shutdown().await.unwrap();
}

#[subscriber(
    topic = "task.created",
    retries = 2,
    backoff = exponential("200ms", max = "1500ms", factor = 7, jitter = "equal")
)]
async fn on_a_broker(task: Task, times: State<Times>) -> Result<(), Partner> {
    if task.text == "503" {
        times.0.lock().unwrap().push(Instant::now());
    }
    Err(partner(&task))
}

#[subscriber(queue = "classification.on-a-broker.dlq")]
async fn takes_the_dead(task: Task, headers: swit::Headers, dead: State<Journal>) {
    let header = |name: &str| headers.get(name).map(ToString::to_string).unwrap_or_default();
    dead.note(format!("{} {} {}", task.text, header("x-dead-letter-reason"), header("x-dead-letter-attempts")));
}

/// The first wait is parked, the second goes through a delay queue; both are jittered.
#[tokio::test(flavor = "multi_thread")]
async fn on_rabbitmq_rules_decide_and_jittered_retries_come() {
    let mut options = RabbitMqOptions::new(Address::parse(&Broker::shared().url(), false).unwrap());
    options.exchange = "classification".into();
    let (times, dead) = (Times::default(), Journal::default());
    let app = App::only::<(on_a_broker, takes_the_dead)>()
        .service("classification", "1.0.0")
        .transport(Arc::new(RabbitMqTransport::new("default", options)))
        .provide(rules())
        .provide(times.clone())
        .provide(dead.clone());
    let running = app.start().await.unwrap();
    for text in ["400", "503"] {
        running.publisher().unwrap().publish(&task(text)).await.unwrap();
    }
    let mut looks = 0;
    while dead.lines().len() < 2 && looks < 300 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        looks += 1;
    }
    running.shutdown().await.unwrap();
    let mut found = dead.lines();
    found.sort_unstable();
    assert_eq!(found, ["400 invalid_input 1", "503 max_retries_exceeded 3"]);
    let times = times.0.lock().unwrap().clone();
    let waits: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(waits[0] >= Duration::from_millis(100) && waits[1] >= Duration::from_millis(700), "{waits:?}");
}
