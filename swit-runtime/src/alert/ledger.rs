//! What was raised and is still to be told.
//!
//! A kind about a subject has a window from the time it is told; what is raised within it is counted, and told when it ends.

use std::{
    collections::{BTreeMap, HashMap, VecDeque, hash_map::Entry},
    time::{Duration, SystemTime},
};

use tokio::time::Instant;

use super::{Alert, AlertKind, Alerts, Level};
use crate::text::Text;

/// How long what follows an alert is held back and counted.
const WINDOW: Duration = Duration::from_mins(1);
/// Most subjects that are told apart, and most alerts that wait for a sink.
const MOST: usize = 1_000;

#[derive(Debug, Default)]
pub(super) struct Ledger {
    windows: HashMap<(AlertKind, Text), Window>,
    /// To be told now.
    ready: VecDeque<Alert>,
    /// How often each kind was raised.
    raised: BTreeMap<AlertKind, u64>,
}

#[derive(Debug)]
struct Window {
    until: Instant,
    /// What was raised within it.
    held: Option<Alert>,
}

impl Ledger {
    /// Takes one in. True: something is to be told now.
    pub(super) fn raise(
        &mut self,
        level: Level,
        kind: AlertKind,
        subject: Text,
        message: Text,
        now: Instant,
        time: SystemTime,
    ) -> bool {
        *self.raised.entry(kind).or_default() += 1;
        let mut key = (kind, subject);
        if self.windows.len() >= MOST && !self.windows.contains_key(&key) {
            key.1 = Alerts::OTHERS;
        }
        let subject = key.1.clone();
        match self.windows.entry(key) {
            Entry::Occupied(mut window) => {
                let held = &mut window.get_mut().held;
                let (count, since) = held.as_ref().map_or((0, time), |held| (held.count, held.since));
                let level = held.as_ref().map_or(level, |held| held.level.max(level));
                *held = Some(Alert { level, kind, subject, message, count: count + 1, since });
                false
            }
            Entry::Vacant(window) => {
                window.insert(Window { until: now + WINDOW, held: None });
                self.ready.push_back(Alert { level, kind, subject, message, count: 1, since: time });
                true
            }
        }
    }

    /// What is to be told next; what windows held that are over comes along.
    pub(super) fn next(&mut self, now: Instant) -> Option<Alert> {
        self.close(|window| window.until <= now, now);
        self.ready.pop_front()
    }

    /// What is to be told next where nothing is held back any more.
    pub(super) fn last(&mut self, now: Instant) -> Option<Alert> {
        self.close(|_| true, now);
        self.ready.pop_front()
    }

    fn close(&mut self, is_over: impl Fn(&Window) -> bool, now: Instant) {
        let Self { windows, ready, .. } = self;
        windows.retain(|_, window| {
            if !is_over(window) {
                return true;
            }
            // A sink that takes nothing: it stays here, and counts on.
            if ready.len() >= MOST {
                return true;
            }
            window.until = now + WINDOW;
            let held = window.held.take();
            let goes_on = held.is_some();
            ready.extend(held);
            goes_on
        });
    }

    /// When a window is over, if there is one.
    pub(super) fn due(&self) -> Option<Instant> {
        self.windows.values().map(|window| window.until).min()
    }

    pub(super) fn raised(&self) -> Vec<(AlertKind, u64)> {
        self.raised.iter().map(|(kind, count)| (*kind, *count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bench {
        ledger: Ledger,
        now: Instant,
    }

    impl Bench {
        fn new() -> Self {
            Self { ledger: Ledger::default(), now: Instant::now() }
        }

        fn raise(&mut self, subject: &str, message: &str) -> bool {
            let (subject, message) = (Text::from(subject.to_owned()), Text::from(message.to_owned()));
            let time = SystemTime::UNIX_EPOCH;
            self.ledger.raise(Level::Error, AlertKind::CopyFailed, subject, message, self.now, time)
        }

        fn told(&mut self) -> Vec<(String, String, u64)> {
            std::iter::from_fn(|| self.ledger.next(self.now))
                .map(|alert| (alert.subject.to_string(), alert.message.to_string(), alert.count))
                .collect()
        }
    }

    fn told(subject: &str, message: &str, count: u64) -> (String, String, u64) {
        (subject.to_owned(), message.to_owned(), count)
    }

    #[test]
    fn a_storm_is_one_alert_and_then_its_number_once_a_minute() {
        let mut bench = Bench::new();
        assert!(bench.raise("a", "first"));
        assert_eq!(bench.told(), [told("a", "first", 1)]);
        for n in 0..5_000 {
            assert!(!bench.raise("a", &n.to_string()));
        }
        assert!(bench.raise("b", "another subject"));
        assert_eq!(bench.told(), [told("b", "another subject", 1)]);
        bench.now += Duration::from_secs(59);
        assert_eq!(bench.told(), []);
        bench.now += Duration::from_secs(1);
        assert_eq!(bench.told(), [told("a", "4999", 5_000)]);
        // It goes on: still held back. It ends: forgotten, and the next is told at once.
        assert!(!bench.raise("a", "again"));
        bench.now += WINDOW;
        assert_eq!(bench.told(), [told("a", "again", 1)]);
        bench.now += WINDOW;
        assert_eq!(bench.told(), []);
        assert!(bench.raise("a", "much later"));
        assert_eq!(bench.told(), [told("a", "much later", 1)]);
    }

    #[test]
    fn subjects_beyond_the_most_are_told_as_others_and_counted() {
        let mut bench = Bench::new();
        for n in 0..MOST + 500 {
            bench.raise(&n.to_string(), "m");
        }
        assert_eq!(bench.ledger.windows.len(), MOST + 1);
        let all = bench.told();
        assert_eq!(all.len(), MOST + 1);
        assert_eq!(all[MOST], told("others", "m", 1));
        bench.now += WINDOW;
        assert_eq!(bench.told(), [told("others", "m", 499)]);
        assert_eq!(bench.ledger.raised(), [(AlertKind::CopyFailed, (MOST + 500) as u64)]);
    }

    #[test]
    fn a_sink_that_takes_nothing_bounds_what_waits_and_loses_no_count() {
        let mut bench = Bench::new();
        let mut raised = 0;
        for _ in 0..20 {
            for n in 0..MOST {
                bench.raise(&n.to_string(), "m");
                raised += 1;
            }
            bench.now += WINDOW;
            bench.ledger.close(|window| window.until <= bench.now, bench.now);
            assert!(bench.ledger.ready.len() <= MOST);
        }
        let mut told = 0;
        while let Some(alert) = bench.ledger.last(bench.now) {
            told += alert.count;
        }
        assert_eq!(told, raised);
    }
}
