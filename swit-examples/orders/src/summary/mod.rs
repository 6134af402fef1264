//! The summary: what became of all that was read, as JSON or as a table.

mod table;

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use swit::SubscriberStats;

pub use table::Table;

/// What became of all that was read.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Lines that were read, blank ones aside.
    pub read: u64,
    /// Orders that went through.
    pub completed: u64,
    /// Orders that were rejected.
    pub rejected: u64,
    /// Why they were.
    pub rejected_by_reason: BTreeMap<String, u64>,
    /// Dead letters by reason.
    pub dead_lettered: BTreeMap<String, u64>,
    /// Valid lines whose order id had been read before.
    pub duplicates: u64,
    /// Failed attempts that were tried again, of all subscribers of this process: in a group, also those of lines that
    /// another process read, and not those of its own lines that another process worked on.
    pub retries: u64,
    /// Orders that ended, duplicates aside, by type.
    pub orders_by_type: BTreeMap<String, u64>,
    /// Orders that ended, duplicates aside, by region.
    pub orders_by_region: BTreeMap<String, u64>,
    /// Seconds from the first line to the last outcome.
    pub elapsed_seconds: f64,
    /// Lines read a second.
    pub lines_per_second: f64,
    /// How long a line took, from being read to its outcome.
    pub latency_ms: Quantiles,
    /// What each subscriber did in this process.
    pub subscribers: Vec<Subscriber>,
    /// Whether it was stopped before the input's end.
    pub stopped: bool,
    /// Whether every line that was read is accounted for exactly once.
    pub balanced: bool,
    /// How many lines have no outcome.
    pub unaccounted: usize,
    /// The first of them.
    pub unaccounted_lines: Vec<u64>,
    /// How many lines have two different outcomes.
    pub contradictory: usize,
    /// The first of them.
    pub contradictory_lines: Vec<u64>,
}

/// Milliseconds that half of all, and all but a hundredth, took at most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Quantiles {
    /// The median.
    pub p50: f64,
    /// All but a hundredth.
    pub p99: f64,
}

/// What one subscriber did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Subscriber {
    /// Its name.
    pub name: String,
    /// Attempts that began.
    pub attempts: u64,
    /// Failed attempts that were tried again.
    pub retries: u64,
    /// Messages that it gave up.
    pub dead_lettered: u64,
    /// How long an attempt took.
    pub attempt_ms: Quantiles,
}

impl Subscriber {
    /// What its workers counted.
    pub fn of(stats: &SubscriberStats) -> Self {
        let counts = &stats.counts;
        Self {
            name: stats.name.to_string(),
            attempts: counts.attempts,
            retries: counts.retries,
            dead_lettered: counts.dead_lettered,
            attempt_ms: Quantiles::of(|share| counts.durations.quantile(share)),
        }
    }
}

impl Quantiles {
    /// Of what says how long this share of all took at most.
    pub fn of(quantile: impl Fn(f64) -> Duration) -> Self {
        let millis = |share| rounded(quantile(share).as_secs_f64() * 1e3);
        Self { p50: millis(0.5), p99: millis(0.99) }
    }
}

/// To a thousandth: more is noise.
pub fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}
