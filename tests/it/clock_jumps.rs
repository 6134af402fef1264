//! Fault 39: the wall clock jumps by a day, forth and back. What waits waits by another clock: nothing comes early, and nothing
//! is lost.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, SystemTime},
};

use swit::{App, BreakerState, Clock, Metadata, State, subscriber, testing::TestApp};
use tokio::time::{Instant, sleep};

use crate::support::{Task, task};

const DAY: i64 = 24 * 60 * 60;

/// A clock that can be set.
#[derive(Clone, Default)]
struct Wall(Arc<AtomicI64>);

impl Wall {
    fn clock(&self) -> Clock {
        let shift = self.0.clone();
        Clock::injected(move || {
            let base = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000);
            let shift = shift.load(Ordering::Relaxed);
            if shift < 0 {
                base - Duration::from_secs(shift.unsigned_abs())
            } else {
                base + Duration::from_secs(shift.unsigned_abs())
            }
        })
    }

    fn set(&self, seconds: i64) {
        self.0.store(seconds, Ordering::Relaxed);
    }
}

/// What began when, and by how many attempts.
#[derive(Debug, Default)]
struct Starts(Mutex<Vec<(String, u32, Instant)>>);

impl Starts {
    fn note(&self, text: &str, attempt: u32) {
        self.0.lock().unwrap().push((text.to_owned(), attempt, Instant::now()));
    }

    fn seconds_of(&self, text: &str, began: Instant) -> Vec<u64> {
        let starts = self.0.lock().unwrap();
        starts.iter().filter(|(of, ..)| of == text).map(|(_, _, at)| (*at - began).as_secs()).collect()
    }
}

#[subscriber(topic = "task.created", name = "parks", retries = 3, backoff = fixed("1s"))]
async fn parks(task: Task, meta: Metadata, starts: State<Starts>) -> Result<(), std::io::Error> {
    starts.note("parks", meta.attempt);
    drop(task);
    if meta.attempt < 4 { Err(std::io::Error::other("again")) } else { Ok(()) }
}

#[subscriber(topic = "task.created", name = "delays", retries = 3, backoff = fixed("10s"))]
async fn delays(task: Task, meta: Metadata, starts: State<Starts>) -> Result<(), std::io::Error> {
    starts.note("delays", meta.attempt);
    drop(task);
    if meta.attempt < 4 { Err(std::io::Error::other("again")) } else { Ok(()) }
}

#[subscriber(topic = "task.created", name = "in-place", ordered, retries = 3, backoff = fixed("10s"))]
async fn in_place(task: Task, meta: Metadata, starts: State<Starts>) -> Result<(), std::io::Error> {
    starts.note("in-place", meta.attempt);
    drop(task);
    if meta.attempt < 4 { Err(std::io::Error::other("again")) } else { Ok(()) }
}

#[subscriber(
    topic = "task.created",
    name = "breaks",
    retries = 3,
    backoff = fixed("1s"),
    circuit_breaker(failures = 1, reset = "20s", half_open = 1),
    rate_limit(per_second = 1, burst = 1)
)]
async fn breaks(task: Task, meta: Metadata, starts: State<Starts>) -> Result<(), std::io::Error> {
    starts.note("breaks", meta.attempt);
    drop(task);
    if meta.attempt < 3 { Err(std::io::Error::other("again")) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_brings_nothing_early_and_loses_nothing() {
    for jumps in [[DAY, 0, DAY, 0], [-DAY, 0, -DAY, 0], [DAY, -DAY, 0, DAY]] {
        let wall = Wall::default();
        let app = App::only::<(parks, delays, in_place, breaks)>().provide(Starts::default()).clock(wall.clock());
        let app = TestApp::start(app).await.unwrap();
        let starts = app.running().scope().get::<Starts>().unwrap();
        let began = Instant::now();
        app.publish(&task("a")).await.unwrap();
        for jump in jumps {
            sleep(Duration::from_millis(500)).await;
            wall.set(jump);
            sleep(Duration::from_secs(5)).await;
        }
        app.wait_quiet().await;
        assert_eq!(starts.seconds_of("parks", began), [0, 1, 2, 3], "{jumps:?}");
        assert_eq!(starts.seconds_of("delays", began), [0, 10, 20, 30], "{jumps:?}");
        assert_eq!(starts.seconds_of("in-place", began), [0, 10, 20, 30], "{jumps:?}");
        assert_eq!(starts.seconds_of("breaks", began), [0, 20, 40], "{jumps:?}");
        assert_eq!(*app.running().breaker("breaks").unwrap().borrow(), BreakerState::Closed);
        for stats in app.running().stats() {
            assert_eq!((stats.counts.succeeded, stats.counts.dead_lettered), (1, 0), "{}", stats.name);
        }
        app.shutdown().await.unwrap();
    }
}
