//! Shutting down while a breaker is open.

use std::time::Duration;

use swit::{App, State, subscriber, testing::TestApp};
use tokio::time::{Instant, sleep};

use super::partner::{Partner, opened};
use crate::support::{Task, task};

#[subscriber(topic = "task.created", concurrency = 3, retries = 5, backoff = fixed("1s"), circuit_breaker(failures = 3, reset = "1h"))]
async fn unordered(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

#[subscriber(topic = "task.created", ordered, retries = 5, backoff = fixed("1s"), circuit_breaker(failures = 2, reset = "1h"))]
async fn ordered(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

#[subscriber(
    topic = "task.created",
    order_by = key,
    concurrency = 3,
    retries = 5,
    backoff = fixed("1s"),
    circuit_breaker(failures = 2, reset = "1h")
)]
async fn by_key(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

#[tokio::test(start_paused = true)]
async fn it_waits_for_nobody_and_loses_nothing() {
    let apps = App::only::<(unordered, ordered, by_key)>().provide(Partner::down());
    let app = TestApp::start(apps).await.unwrap();
    for n in 0..30 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    for breaker in ["unordered", "ordered", "by-key"] {
        opened(&app, breaker).await;
    }
    sleep(Duration::from_secs(1)).await;
    let queues: Vec<_> = app.running().stats().iter().map(|stats| stats.queue.clone()).collect();
    let before: Vec<_> = app.running().stats().iter().map(|stats| stats.counts.attempts).collect();
    // One at a time, so that what they give back can be seen.
    let handle = app.running().handle();
    let began = Instant::now();
    for name in ["unordered", "ordered", "by-key"] {
        handle.unsubscribe(name).await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
    let inspect = app.running().inspect("default").unwrap();
    for (queue, before) in queues.iter().zip(before) {
        assert_eq!(inspect.depth(queue), Some(30), "{queue}: all are there, after {before} attempts");
        for message in inspect.browse(queue, 30) {
            let redelivered = message.headers.get_str("x-delivery-count");
            assert_eq!(redelivered, None);
        }
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_whole_service_does_not_wait_for_what_stays_open() {
    let app = TestApp::start(App::only::<(unordered, by_key)>().provide(Partner::down())).await.unwrap();
    for n in 0..30 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    opened(&app, "unordered").await;
    opened(&app, "by-key").await;
    sleep(Duration::from_secs(1)).await;
    let began = Instant::now();
    app.shutdown_within(Duration::from_secs(20)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}
