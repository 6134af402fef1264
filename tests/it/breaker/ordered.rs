//! Breakers of subscribers that keep an order.

use std::{collections::HashMap, time::Duration};

use swit::{App, State, subscriber, testing::TestApp};
use tokio::time::sleep;

use super::partner::{Partner, opened};
use crate::support::{Task, keyed, task};

#[subscriber(
    topic = "task.created",
    ordered,
    retries = 3,
    backoff = fixed("100ms"),
    circuit_breaker(failures = 2, reset = "10s", half_open = 1)
)]
async fn one_by_one(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&task.text).await
}

#[tokio::test(start_paused = true)]
async fn a_retry_in_place_waits_and_nothing_overtakes() {
    let partner = Partner::down();
    let app = TestApp::start(App::only::<(one_by_one,)>().provide(partner.clone())).await.unwrap();
    for n in 1..=4 {
        app.publish(&task(n.to_string())).await.unwrap();
    }
    opened(&app, "one-by-one").await;
    sleep(Duration::from_secs(9)).await;
    assert_eq!(partner.texts(), ["1", "1"]);
    sleep(Duration::from_secs(9)).await;
    assert_eq!(partner.texts(), ["1", "1", "1"], "a probe is an attempt");
    partner.set_down(false);
    app.wait_quiet().await;
    assert_eq!(partner.texts(), ["1", "1", "1", "1", "2", "3", "4"]);
    let counts = app.stats_of("one-by-one").unwrap().counts.clone();
    assert_eq!((counts.succeeded, counts.dead_lettered, counts.redelivered), (4, 0, 0));
    app.shutdown().await.unwrap();
}

#[subscriber(
    topic = "task.created",
    order_by = key,
    concurrency = 4,
    retries = 100,
    backoff = fixed("300ms"),
    circuit_breaker(failures = 3, reset = "10s", half_open = 1)
)]
async fn by_key(task: Task, partner: State<Partner>) -> Result<(), std::io::Error> {
    partner.ask(&format!("{} {}", task.key, task.text)).await
}

#[tokio::test(start_paused = true)]
async fn lanes_wait_and_keep_their_order() {
    let partner = Partner::default();
    partner.answer_after(20);
    let app = TestApp::start(App::only::<(by_key,)>().provide(partner.clone())).await.unwrap();
    for n in 0..40 {
        for key in ["a", "b", "c", "d", "e"] {
            app.publish(&keyed(key, n.to_string())).await.unwrap();
        }
    }
    sleep(Duration::from_millis(100)).await;
    // Down and up again a few times, in the middle of it.
    for _ in 0..3 {
        partner.set_down(true);
        opened(&app, "by-key").await;
        sleep(Duration::from_secs(9)).await;
        let asked = partner.asked();
        sleep(Duration::from_millis(500)).await;
        assert_eq!(partner.asked(), asked, "nothing begins while it is open");
        partner.set_down(false);
        sleep(Duration::from_millis(700)).await;
    }
    app.wait_quiet().await;
    let mut by_key: HashMap<String, Vec<u32>> = HashMap::new();
    for line in partner.texts() {
        let (key, n) = line.split_once(' ').unwrap();
        let seen = by_key.entry(key.to_owned()).or_default();
        let n = n.parse().unwrap();
        // One that is tried again stands where it stood.
        if seen.last() != Some(&n) {
            seen.push(n);
        }
    }
    assert_eq!(by_key.len(), 5);
    for (key, seen) in by_key {
        assert_eq!(seen, (0..40).collect::<Vec<_>>(), "{key}");
    }
    let counts = app.stats_of("by-key").unwrap().counts.clone();
    assert_eq!((counts.succeeded, counts.dead_lettered, counts.redelivered), (200, 0, 0));
    app.shutdown().await.unwrap();
}
