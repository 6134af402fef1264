//! Something that handlers need and that can be down.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use swit::{BreakerState, testing::TestApp};
use tokio::time::{Instant, sleep, timeout};

/// Longer than anything is open; no time passes for those who do something.
const PATIENCE: Duration = Duration::from_hours(2);

/// A partner, and what was asked of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Partner(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    is_down: AtomicBool,
    /// What an answer takes.
    millis: AtomicUsize,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
    asked: Mutex<Vec<(Instant, String)>>,
}

impl Partner {
    pub(super) fn down() -> Self {
        let partner = Self::default();
        partner.set_down(true);
        partner
    }

    pub(super) fn set_down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::Relaxed);
    }

    /// Lets answers take so long.
    pub(super) fn answer_after(&self, millis: usize) {
        self.0.millis.store(millis, Ordering::Relaxed);
    }

    pub(super) async fn ask(&self, text: &str) -> Result<(), std::io::Error> {
        self.0.asked.lock().unwrap().push((Instant::now(), text.to_owned()));
        let under_way = self.0.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        let leaving = Leaving(self);
        self.0.most_under_way.fetch_max(under_way, Ordering::Relaxed);
        let millis = self.0.millis.load(Ordering::Relaxed);
        if millis > 0 {
            sleep(Duration::from_millis(millis as u64)).await;
        }
        drop(leaving);
        if self.0.is_down.load(Ordering::Relaxed) { Err(std::io::Error::other("the partner is down")) } else { Ok(()) }
    }

    /// How often it was asked.
    pub(super) fn asked(&self) -> usize {
        self.0.asked.lock().unwrap().len()
    }

    /// What it was asked, in order.
    pub(super) fn texts(&self) -> Vec<String> {
        self.0.asked.lock().unwrap().iter().map(|(_, text)| text.clone()).collect()
    }

    /// How often it was asked from then on.
    pub(super) fn asked_since(&self, since: Instant) -> usize {
        self.0.asked.lock().unwrap().iter().filter(|(at, _)| *at >= since).count()
    }

    /// The most that were under way at once since this was asked last.
    pub(super) fn most_under_way(&self) -> usize {
        self.0.most_under_way.swap(self.0.under_way.load(Ordering::Relaxed), Ordering::Relaxed)
    }
}

/// Leaves, also when it is cancelled.
struct Leaving<'a>(&'a Partner);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How a breaker is now.
pub(super) fn state(app: &TestApp, breaker: &str) -> BreakerState {
    *app.running().breaker(breaker).unwrap().borrow()
}

/// Waits until a breaker opens; until when it is open.
pub(super) async fn opened(app: &TestApp, breaker: &str) -> Instant {
    let mut watched = app.running().breaker(breaker).unwrap();
    let opened = watched.wait_for(|state| matches!(state, BreakerState::Open { .. }));
    match *timeout(PATIENCE, opened).await.expect("it opens").unwrap() {
        BreakerState::Open { until } => until,
        other => panic!("{other:?}"),
    }
}

/// Waits until a breaker is so.
pub(super) async fn becomes(app: &TestApp, breaker: &str, wanted: BreakerState) {
    let mut watched = app.running().breaker(breaker).unwrap();
    let became = watched.wait_for(|state| *state == wanted);
    timeout(PATIENCE, became).await.unwrap_or_else(|_| panic!("it never is {wanted:?}")).unwrap();
}
