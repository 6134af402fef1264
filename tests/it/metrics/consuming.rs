//! What is counted of consuming.

use std::time::Duration;

use swit::{App, Class, Failure, FailureKind, Outcome, Policies, Subscription, subscriber, testing::TestApp};

use super::page::Page;
use crate::{
    refusals::Refusing,
    support::{Task, task},
};

/// Does what the text says.
#[subscriber(retries = 1, backoff = fixed("10ms"))]
async fn metered(event: Task) -> Outcome {
    match &*event.text {
        "slow" => {
            tokio::time::sleep(Duration::from_millis(15)).await;
            Outcome::Success
        }
        "again" => Outcome::fail("no luck"),
        "poison" => Failure::invalid_input("not an order").into(),
        "broken" => Failure::new(FailureKind::Handler, "down").with_class(Class::Permanent).into(),
        "mine" => Outcome::dead_letter(format!("reason of {}", event.key)),
        "away" => Outcome::discard("not ours"),
        "panic" => panic!("on purpose"),
        _ => Outcome::Success,
    }
}

/// Another one of the same topic.
#[subscriber(name = "beside", dead_letter = false)]
async fn beside(_event: Task) {}

/// Holds what it gets.
#[subscriber(concurrency = 2)]
async fn holding(_event: Task) {
    tokio::time::sleep(Duration::from_secs(5)).await;
}

/// Tried again after longer than anything is kept waiting in the process.
#[subscriber(name = "metered-late", retries = 2, backoff = fixed("5s"))]
async fn late(_event: Task) -> Outcome {
    Outcome::fail("no luck")
}

/// Two that work at the dead letters of another one together.
#[subscriber(name = "metered-mourner", queue = "test.metered.dlq")]
async fn mourner(_letter: swit::Headers) {}

#[subscriber(name = "metered-mourner-too", queue = "test.metered.dlq")]
async fn mourner_too(_letter: swit::Headers) {}

const METERED: &str = "topic=\"task.created\",consumer_group=\"test\",subscriber=\"metered\"";

fn app() -> App {
    App::only::<(metered, beside)>().service("test", "1")
}

#[tokio::test(start_paused = true)]
async fn everything_is_there_from_the_start() {
    let app = TestApp::start(app()).await.unwrap();
    let page = Page::of(&app).await;
    for status in ["success", "error", "discarded"] {
        assert_eq!(page.value(&format!("messages_consumed_total{{{METERED},status=\"{status}\"}}")), 0.0);
    }
    assert_eq!(page.value(&format!("consume_duration_seconds_bucket{{{METERED},le=\"0.01\"}}")), 0.0);
    assert_eq!(page.value(&format!("consume_duration_seconds_count{{{METERED}}}")), 0.0);
    for class in ["transient", "throttle", "invalid_input", "system_failure", "permanent"] {
        let series =
            format!("consume_errors_total{{topic=\"task.created\",consumer_group=\"test\",class=\"{class}\"}}");
        assert_eq!(page.value(&series), 0.0);
    }
    for reason in ["max_retries_exceeded", "permanent", "invalid_input", "delivery_limit", "custom"] {
        let series = format!("dead_letter_messages_total{{topic=\"task.created\",reason=\"{reason}\"}}");
        assert_eq!(page.value(&series), 0.0);
    }
    assert_eq!(page.value("queue_depth{queue=\"test.metered\"}"), 0.0);
    assert_eq!(page.value("queue_depth{queue=\"test.metered.dlq\"}"), 0.0);
    assert_eq!(page.value("consumer_lag{topic=\"task.created\",consumer_group=\"test\",partition=\"0\"}"), 0.0);
    assert_eq!(page.value("subscription_status{subscriber=\"metered\"}"), 1.0);
    assert_eq!(page.value("active_subscribers"), 2.0);
    assert_eq!(page.value("connection_status{transport=\"default\"}"), 1.0);
    assert_eq!(page.value("alerts_total{kind=\"copy_failed\"}"), 0.0);
}

#[tokio::test(start_paused = true)]
async fn each_way_to_end_is_counted_as_what_it_is() {
    let app = TestApp::start(app()).await.unwrap();
    for text in ["fine", "slow", "again", "poison", "broken", "mine", "away", "panic"] {
        app.publish(&task(text)).await.unwrap();
    }
    app.wait_quiet().await;
    let page = Page::of(&app).await;
    let consumed = page.of_family("messages_consumed_total");
    let own: Vec<_> = consumed.iter().filter(|line| line.contains("metered")).collect();
    assert_eq!(
        own,
        [
            &format!("{{{METERED},status=\"discarded\"}} 1"),
            &format!("{{{METERED},status=\"error\"}} 7"),
            &format!("{{{METERED},status=\"success\"}} 2"),
        ]
    );
    assert_eq!(page.of_family("retries_total"), [format!("{{{METERED}}} 2")]);
    assert_eq!(page.of_family("messages_discarded_total"), [format!("{{{METERED}}} 1")]);
    let errors = page.of_family("consume_errors_total");
    let of =
        |class: &str, many: u64| format!("{{topic=\"task.created\",consumer_group=\"test\",class=\"{class}\"}} {many}");
    assert_eq!(errors, [of("invalid_input", 1), of("permanent", 1), of("transient", 5)]);
    let dead = page.of_family("dead_letter_messages_total");
    let of = |reason: &str, many: u64| format!("{{topic=\"task.created\",reason=\"{reason}\"}} {many}");
    assert_eq!(dead, [of("custom", 1), of("invalid_input", 1), of("max_retries_exceeded", 2), of("permanent", 1)]);
    assert_eq!(page.of_family("in_flight"), Vec::<String>::new());
    assert_eq!(page.of_family("queue_depth"), ["{queue=\"test.metered.dlq\"} 5"]);
    // By what it waits for; in a test whose time is paused nothing else takes as long.
    let at_most = |bound: &str| page.value(&format!("consume_duration_seconds_bucket{{{METERED},le=\"{bound}\"}}"));
    assert_eq!(at_most("0.02") - at_most("0.01"), 1.0);
    // Of two subscribers, one series.
    let sizes = page.value("message_size_bytes_count{topic=\"task.created\"}");
    assert_eq!(sizes, 10.0 + 8.0);
}

#[tokio::test(start_paused = true)]
async fn durations_follow_the_attempts_of_a_worker_that_is_never_out_of_messages() {
    let app = TestApp::start(app()).await.unwrap();
    let handle = app.running().handle();
    handle.pause("metered").unwrap();
    for _ in 0..1_003 {
        app.publish(&task("fine")).await.unwrap();
    }
    handle.resume("metered").unwrap();
    app.wait_quiet().await;
    let page = Page::of(&app).await;
    let measured = page.value(&format!("consume_duration_seconds_count{{{METERED}}}"));
    assert!((996.0..=1_003.0).contains(&measured), "{measured}");
    let aged = page.value("message_age_seconds_count{topic=\"task.created\"}");
    assert!((2.0 * 996.0..=2.0 * 1_003.0).contains(&aged), "{aged}");
    let sum = page.value(&format!("consume_duration_seconds_sum{{{METERED}}}"));
    assert!(sum > 0.0 && sum < 10.0, "{sum}");
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_waits_for_its_messages_measures_each() {
    let app = TestApp::start(app()).await.unwrap();
    for n in 1..=10 {
        app.publish(&task("fine")).await.unwrap();
        app.wait_quiet().await;
        let page = Page::of(&app).await;
        assert_eq!(page.value(&format!("consume_duration_seconds_count{{{METERED}}}")), f64::from(n));
    }
}

#[tokio::test(start_paused = true)]
async fn what_waits_and_what_runs_is_seen() {
    let app = TestApp::start(App::only::<(holding,)>().service("test", "1")).await.unwrap();
    for _ in 0..5 {
        app.publish(&task("x")).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let page = Page::of(&app).await;
    assert_eq!(page.value("in_flight{subscriber=\"holding\"}"), 2.0);
    assert_eq!(page.value("queue_depth{queue=\"test.holding\"}"), 3.0);
    assert_eq!(page.value("consumer_lag{topic=\"task.created\",consumer_group=\"test\",partition=\"0\"}"), 3.0);
    app.wait_quiet().await;
    let page = Page::of(&app).await;
    assert_eq!(page.value("in_flight{subscriber=\"holding\"}"), 0.0);
    assert_eq!(page.value("queue_depth{queue=\"test.holding\"}"), 0.0);
    app.running().handle().pause("holding").unwrap();
    let page = Page::of(&app).await;
    let paused = (page.value("active_subscribers"), page.value("subscription_status{subscriber=\"holding\"}"));
    assert_eq!(paused, (0.0, 0.0));
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_two_that_share_a_queue_is_counted_once() {
    let app = TestApp::start(App::only::<(metered, mourner, mourner_too)>().service("test", "1")).await.unwrap();
    for name in ["metered-mourner", "metered-mourner-too"] {
        assert!(app.pause(name));
    }
    for _ in 0..3 {
        app.publish(&task("poison")).await.unwrap();
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let page = Page::of(&app).await;
    assert_eq!(page.value("queue_depth{queue=\"test.metered.dlq\"}"), 3.0);
    let lag = "consumer_lag{topic=\"test.metered.dlq\",consumer_group=\"test\",partition=\"0\"}";
    assert_eq!(page.value(lag), 3.0);
}

#[tokio::test(start_paused = true)]
async fn copies_have_a_series_of_their_own() {
    let (transport, refused) = Refusing::times(0);
    let app = App::only::<(late,)>().service("test", "1").transport(transport);
    let running = app.start().await.unwrap();
    let copies = |page: &Page| page.of_family("copies_published_total");
    let read = async || Page::read(&super::page::text(&running).await);
    let page = read().await;
    let late = "topic=\"task.created\",consumer_group=\"test\",subscriber=\"metered-late\"";
    for (kind, status) in
        [("retry", "success"), ("retry", "error"), ("dead_letter", "success"), ("dead_letter", "error")]
    {
        assert_eq!(page.value(&format!("copies_published_total{{{late},kind=\"{kind}\",status=\"{status}\"}}")), 0.0);
    }
    refused.store(2, std::sync::atomic::Ordering::SeqCst);
    running.publisher().unwrap().publish(&task("x")).await.unwrap();
    running.wait_quiet().await;
    let page = read().await;
    let of = |kind: &str, status: &str, many: u64| format!("{{{late},kind=\"{kind}\",status=\"{status}\"}} {many}");
    assert_eq!(copies(&page), [of("dead_letter", "success", 1), of("retry", "error", 2), of("retry", "success", 2)]);
    let published = page.of_family("messages_published_total");
    assert_eq!(published, ["{topic=\"task.created\",status=\"success\"} 1"], "the one that was published");
}

#[tokio::test(start_paused = true)]
async fn groups_that_come_and_go_leave_no_series() {
    let app = TestApp::start(app().expect_subscriber("passing")).await.unwrap();
    let handle = app.running().handle();
    let (mut many, mut sizes) = (Vec::new(), Vec::new());
    for n in 0..20 {
        let passing = Subscription::new("task.created").name("passing").group(format!("group-{n}"));
        let passing = passing.policies(Policies::new().retries(0));
        handle.subscribe(passing, |_: Task| async { Outcome::fail("no") }).await.unwrap();
        app.publish(&task("fine")).await.unwrap();
        app.wait_quiet().await;
        handle.unsubscribe("passing").await.unwrap();
        let page = Page::of(&app).await;
        many.push(page.values.len());
        sizes.push(page.value("message_size_bytes_count{topic=\"task.created\"}"));
    }
    assert!(many.iter().all(|now| *now == many[0]), "{many:?}");
    // What they share with others stays: two that are there and one that was, of each message.
    assert_eq!(sizes.last(), Some(&60.0));
}

#[tokio::test(start_paused = true)]
async fn it_can_be_switched_off_and_renamed() {
    let off = app().config_text("test", "[telemetry]\nmetrics = false");
    let off = TestApp::start(off).await.unwrap();
    off.publish(&task("fine")).await.unwrap();
    off.wait_quiet().await;
    assert!(off.running().metrics().is_none());

    let renamed = TestApp::start(app().config_text("test", "[telemetry]\nprefix = 'shop_'")).await.unwrap();
    let text = super::page::text(renamed.running()).await;
    assert!(text.contains("\nshop_messages_consumed_total{") && !text.contains("swit_messaging_"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn what_an_unsubscribed_one_counted_stays_in_the_sums_that_it_shares() {
    let app = TestApp::start(app().expect_subscriber("passing")).await.unwrap();
    let handle = app.running().handle();
    let subscription = || Subscription::new("task.created").name("passing").policies(Policies::new().retries(0));
    handle.subscribe(subscription(), |_: Task| async { Outcome::fail("no") }).await.unwrap();
    app.publish(&task("fine")).await.unwrap();
    app.wait_quiet().await;
    let dead = "dead_letter_messages_total{topic=\"task.created\",reason=\"max_retries_exceeded\"}";
    let errors = "consume_errors_total{topic=\"task.created\",consumer_group=\"test\",class=\"transient\"}";
    let sizes = "message_size_bytes_count{topic=\"task.created\"}";
    let seen = |page: &Page| [dead, errors, sizes].map(|series| page.value(series));
    assert_eq!(seen(&Page::of(&app).await), [1.0, 1.0, 3.0]);
    for _ in 0..2 {
        handle.unsubscribe("passing").await.unwrap();
        let page = Page::of(&app).await;
        assert_eq!(seen(&page), [1.0, 1.0, 3.0]);
        assert!(!page.values.keys().any(|series| series.contains("passing\"") && series.contains("subscriber=")));
        handle.subscribe(subscription(), |_: Task| async { Outcome::fail("no") }).await.unwrap();
        assert_eq!(seen(&Page::of(&app).await), [1.0, 1.0, 3.0]);
    }
}
