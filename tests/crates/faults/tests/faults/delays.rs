//! Messages that wait for their time.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};
use swit::{Ack, Event, Metadata, State, subscriber};
use swit_testbed::Broker;

use crate::ground::{self, app, options, until};

#[derive(Debug, Clone, Serialize, Deserialize, Event)]
#[event(topic = "delayed.reminder", version = 1)]
struct Reminder {
    name: String,
    /// Comes again after so many seconds.
    again: Option<u64>,
}

/// What came for good, and when.
#[derive(Debug, Default)]
struct Arrivals(Mutex<Vec<(String, Instant)>>);

impl Arrivals {
    fn of(&self, name: &str) -> Option<Instant> {
        self.0.lock().unwrap().iter().find(|(known, _)| known == name).map(|(_, at)| *at)
    }
}

/// Notes what comes, or asks for it again.
#[subscriber(topic = "delayed.reminder", ack = "manual", concurrency = 4)]
async fn remind(reminder: Reminder, meta: Metadata, ack: Ack, arrivals: State<Arrivals>) {
    match reminder.again {
        Some(seconds) if meta.attempt == 1 => ack.retry(Duration::from_secs(seconds)).await.unwrap(),
        _ => {
            arrivals.0.lock().unwrap().push((reminder.name, Instant::now()));
            ack.ack();
        }
    }
}

/// Fault 31: of events with a delay, and of retries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_delay_is_not_behind_a_long_one() {
    let broker = Broker::shared();
    let transport = ground::transport(options(&broker.url(), "delayed"));
    let arrivals = Arc::new(Arrivals::default());
    let running = app::<(remind,)>("delayed", &transport).provide_shared(arrivals.clone()).start().await.unwrap();
    let publisher = running.publisher().unwrap();
    let event = |name: &str, again| Reminder { name: name.to_owned(), again };
    let began = Instant::now();
    for (name, seconds) in [("long", 60), ("short", 1)] {
        publisher.publish_with(&event(name, None)).delay(Duration::from_secs(seconds)).send().await.unwrap();
    }
    publisher.publish(&event("long retry", Some(60))).await.unwrap();
    publisher.publish(&event("short retry", Some(2))).await.unwrap();
    let about = |name: &str, least: u64| {
        let took = arrivals.of(name).map(|at| at - began);
        if let Some(took) = took {
            assert!(took >= Duration::from_secs(least), "`{name}` came after {took:?}");
        }
        took.is_some()
    };
    until("the short ones come", || {
        assert!(began.elapsed() < Duration::from_secs(20), "the short ones do not come");
        about("short", 1) && about("short retry", 2)
    })
    .await;
    assert!(arrivals.of("long").is_none() && arrivals.of("long retry").is_none(), "the long ones came early");
    assert_eq!(broker.queue_depth("delayed.events.delay.1m"), Some(1));
    assert_eq!(broker.queue_depth("delayed.remind.retry.1m"), Some(1));
    if ground::soak().is_some() {
        until("the long ones come as well", || about("long", 60) && about("long retry", 60)).await;
    }
    running.shutdown().await.unwrap();
}
