//! Everything fails, and is tried again.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use swit::{Event, Metadata, State, subscriber};
use swit_testbed::Broker;

use crate::ground::{self, Foreign, app, header, options, size};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "doomed.work", version = 1)]
struct Doomed {
    number: usize,
}

/// When each attempt at each message began.
#[derive(Debug, Default)]
struct Attempts(Mutex<BTreeMap<usize, Vec<(u32, Instant)>>>);

const WAIT: Duration = Duration::from_secs(1);

#[subscriber(topic = "doomed.work", concurrency = 8, prefetch = 200, retries = 3, backoff = fixed("1s"))]
async fn fail(work: Doomed, meta: Metadata, attempts: State<Attempts>) -> Result<(), std::io::Error> {
    attempts.0.lock().unwrap().entry(work.number).or_default().push((meta.attempt, Instant::now()));
    Err(std::io::Error::other("it never works"))
}

/// Fault 26: as many attempts as the policy says, none sooner than its backoff, and each message ends as one whole dead letter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_retries_keeps_to_the_policy() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "doomed"));
    let attempts = Arc::new(Attempts::default());
    let running = app::<(fail,)>("doomed", &transport).provide_shared(attempts.clone()).start().await.unwrap();
    let count = size(500, 10_000);
    let works: Vec<Doomed> = (0..count).map(|number| Doomed { number }).collect();
    for answer in running.publisher().unwrap().publish_all(&works).await {
        answer.unwrap();
    }
    let (dead_letters, patience) = ("doomed.fail.dlq", size(ground::PATIENCE, Duration::from_mins(10)));
    let began = Instant::now();
    while broker.queue_depth(dead_letters) != Some(count as u64) {
        assert!(began.elapsed() < patience, "all are dead letters: not within {patience:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    for (number, attempts) in &*attempts.0.lock().unwrap() {
        let numbers: Vec<u32> = attempts.iter().map(|(attempt, _)| *attempt).collect();
        assert_eq!(numbers, [1, 2, 3, 4], "{number}");
        for two in attempts.windows(2) {
            let waited = two[1].1 - two[0].1;
            // The broker's clock ticks in milliseconds.
            assert!(waited + Duration::from_millis(2) >= WAIT, "{number} came again after {waited:?}");
        }
    }
    let counts = running.stats()[0].counts.clone();
    let all = count as u64;
    assert_eq!(
        (counts.attempts, counts.failed, counts.retries, counts.dead_lettered),
        (4 * all, 4 * all, 3 * all, all)
    );
    let foreign = Foreign::connect(&broker.url()).await;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..count.min(500) {
        let letter = foreign.take(dead_letters).await.delivery;
        let work: Doomed = serde_json::from_slice(&letter.data).unwrap();
        assert!(ids.insert(work.number), "{} twice", work.number);
        for (name, value) in [
            ("x-dead-letter-reason", "max_retries_exceeded"),
            ("x-dead-letter-attempts", "4"),
            ("x-dead-letter-queue", "doomed.fail"),
            ("x-original-topic", "doomed.work"),
        ] {
            assert_eq!(header(&letter.properties, name), value, "{name}");
        }
        assert!(letter.properties.message_id().is_some());
    }
    running.shutdown().await.unwrap();
}
