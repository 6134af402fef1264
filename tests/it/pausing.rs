//! A paused subscriber begins nothing and loses nothing; everybody else goes on.

use std::time::Duration;

use swit::{App, Backoff, Metadata, Policies, State, Subscription, subscriber, testing::TestApp};
use tokio::time::{Instant, sleep};

use crate::support::{Journal, Task, keyed, task};

#[subscriber(topic = "task.created", concurrency = 4, retries = 2, backoff = fixed("500ms"))]
async fn may_pause(task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(format!("{} {}", task.text, meta.attempt));
    if task.text == "again" && meta.attempt < 3 { Err(std::io::Error::other("again")) } else { Ok(()) }
}

#[subscriber(topic = "task.created")]
async fn goes_on(_task: Task) {}

#[subscriber(topic = "task.created", ordered, retries = 2, backoff = fixed("500ms"))]
async fn may_pause_in_order(task: Task, meta: Metadata, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(format!("{} {}", task.text, meta.attempt));
    if task.text == "again" && meta.attempt < 3 { Err(std::io::Error::other("again")) } else { Ok(()) }
}

#[subscriber(topic = "task.created", order_by = key, concurrency = 3)]
async fn may_pause_by_key(task: Task, journal: State<Journal>) {
    journal.note(format!("{} {}", task.key, task.text));
    sleep(Duration::from_millis(10)).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_paused_begins_nothing_and_nobody_else_waits() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(may_pause, goes_on)>().provide(journal.clone())).await.unwrap();
    assert!(!app.pause("nobody"));
    assert!(app.pause("may-pause") && !app.pause("may-pause"));
    for n in 0..100 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    sleep(Duration::from_hours(1)).await;
    assert_eq!((app.attempts("may-pause"), app.attempts("goes-on")), (0, 100));
    assert!(app.resume("may-pause") && !app.resume("may-pause"));
    app.wait_quiet().await;
    assert_eq!(app.attempts("may-pause"), 100);
    assert_eq!(app.stats_of("may-pause").unwrap().counts.redelivered, 0);
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_due_waits_too() {
    let journal = Journal::default();
    let apps = App::only::<(may_pause, may_pause_in_order)>().provide(journal.clone());
    let app = TestApp::start(apps).await.unwrap();
    for (subscriber, other) in [("may-pause", "may-pause-in-order"), ("may-pause-in-order", "may-pause")] {
        let before = app.attempts(subscriber);
        app.pause(other);
        app.publish(&task("again")).await.unwrap();
        while app.attempts(subscriber) == before {
            sleep(Duration::from_millis(1)).await;
        }
        app.pause(subscriber);
        sleep(Duration::from_hours(1)).await;
        assert_eq!(app.attempts(subscriber), before + 1, "{subscriber}");
        app.resume(subscriber);
        sleep(Duration::from_secs(10)).await;
        assert_eq!(app.attempts(subscriber), before + 3, "{subscriber}");
        app.resume(other);
        app.wait_quiet().await;
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn lanes_pause_and_keep_their_order() {
    let journal = Journal::default();
    let app = TestApp::start(App::only::<(may_pause_by_key,)>().provide(journal.clone())).await.unwrap();
    for n in 0..60 {
        app.publish(&keyed(format!("k{}", n % 5), n.to_string())).await.unwrap();
    }
    sleep(Duration::from_millis(35)).await;
    app.pause("may-pause-by-key");
    sleep(Duration::from_millis(11)).await;
    let at_pause = app.attempts("may-pause-by-key");
    assert!((1..60).contains(&at_pause), "{at_pause}");
    sleep(Duration::from_hours(1)).await;
    assert_eq!(app.attempts("may-pause-by-key"), at_pause, "what lies in the lanes waits, too");
    app.resume("may-pause-by-key");
    app.wait_quiet().await;
    for key in 0..5 {
        let lines = journal.lines();
        let of_key = lines.iter().filter_map(|line| line.strip_prefix(&format!("k{key} ")));
        let seen: Vec<usize> = of_key.map(|n| n.parse().unwrap()).collect();
        assert_eq!(seen, (0..60).filter(|n| n % 5 == key).collect::<Vec<_>>());
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_does_not_wait_for_who_is_paused() {
    let journal = Journal::default();
    let apps = App::only::<(may_pause, may_pause_in_order, may_pause_by_key, goes_on)>().provide(journal.clone());
    let app = TestApp::start(apps).await.unwrap();
    for subscriber in ["may-pause", "may-pause-in-order", "may-pause-by-key"] {
        app.pause(subscriber);
    }
    for n in 0..50 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    let inspect = app.running().inspect("default").unwrap();
    assert!(app.running().stats().iter().any(|stats| inspect.depth(&stats.queue) == Some(50)));
    let began = Instant::now();
    app.shutdown_within(Duration::from_secs(20)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(journal.lines(), [""; 0], "nothing was begun");
}

/// What is parked, and what fails while the subscriber is paused, keeps the number of its attempt.
#[tokio::test(start_paused = true)]
async fn the_budget_outlives_a_pause_and_an_end() {
    let app = TestApp::start(App::only::<(goes_on,)>()).await.unwrap();
    let handle = app.running().handle();
    let journal = Journal::default();
    let subscribe = async || {
        let journal = journal.clone();
        let fails = move |meta: Metadata| {
            let journal = journal.clone();
            async move {
                sleep(Duration::from_millis(50)).await;
                journal.note(meta.attempt.to_string());
                Err::<(), _>(std::io::Error::other("no"))
            }
        };
        let policies = Policies::new().retries(5).backoff(Backoff::fixed(Duration::from_millis(500)));
        let subscription = Subscription::new("task.created").name("failing").policies(policies);
        handle.subscribe(subscription, fails).await.unwrap();
    };
    subscribe().await;
    app.publish(&task("x")).await.unwrap();
    // While its first retry is parked, and while its second attempt is under way.
    for (wait, resumes) in [(100, true), (420, true), (520, false)] {
        sleep(Duration::from_millis(wait)).await;
        if resumes {
            handle.pause("failing").unwrap();
            sleep(Duration::from_secs(10)).await;
            handle.resume("failing").unwrap();
        } else {
            handle.unsubscribe("failing").await.unwrap();
            subscribe().await;
        }
    }
    app.wait_quiet().await;
    assert_eq!(journal.lines(), ["1", "2", "3", "4", "5", "6"]);
    app.shutdown().await.unwrap();
}
