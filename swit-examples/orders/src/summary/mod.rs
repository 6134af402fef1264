//! The summary: what became of all that was read, as JSON or as a table.

mod table;

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use swit::SubscriberStats;

use super::ledger::{Balance, Counts, Latency, Ledger};

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
    pub rejected_by_reason: BTreeMap<&'static str, u64>,
    /// Dead letters by reason.
    pub dead_lettered: BTreeMap<String, u64>,
    /// Valid lines whose order id had been read before.
    pub duplicates: u64,
    /// Failed attempts that were tried again, of all subscribers of this process: in a group, also those of lines that
    /// another process read, and not those of its own lines that another process worked on.
    pub retries: u64,
    /// Orders that ended, duplicates aside, by type.
    pub orders_by_type: BTreeMap<&'static str, u64>,
    /// Orders that ended, duplicates aside, by region.
    pub orders_by_region: BTreeMap<&'static str, u64>,
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

impl Summary {
    /// The summary of a run that took this long.
    pub fn new(ledger: &Ledger, stats: &[SubscriberStats], elapsed: Duration, stopped: bool) -> Self {
        let (counts, balance, latency) = (ledger.counts(), ledger.balance(), ledger.latency());
        let subscribers: Vec<Subscriber> = stats.iter().map(Subscriber::of).collect();
        let seconds = elapsed.as_secs_f64();
        let Counts { read, completed, out_of_stock, payment_declined, duplicates, .. } = counts;
        let Balance { open, open_lines, torn, torn_lines } = balance.clone();
        Self {
            read,
            completed,
            rejected: counts.rejected(),
            rejected_by_reason: [("out_of_stock", out_of_stock), ("payment_declined", payment_declined)].into(),
            // Both of what is left after the counts of all lines.
            balanced: balance.is_even() && read == counts.accounted(),
            dead_lettered: counts.dead_lettered,
            duplicates,
            retries: subscribers.iter().map(|subscriber| subscriber.retries).sum(),
            orders_by_type: counts.by_type.iter().map(|(label, number)| (label.as_str(), *number)).collect(),
            orders_by_region: counts.by_region.iter().map(|(label, number)| (label.as_str(), *number)).collect(),
            elapsed_seconds: rounded(seconds),
            lines_per_second: if seconds > 0.0 { (read as f64 / seconds).round() } else { 0.0 },
            latency_ms: Quantiles::of(|share| Latency::quantile(&latency, share)),
            subscribers,
            stopped,
            unaccounted: open,
            unaccounted_lines: open_lines,
            contradictory: torn,
            contradictory_lines: torn_lines,
        }
    }
}

impl Subscriber {
    fn of(stats: &SubscriberStats) -> Self {
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
    fn of(quantile: impl Fn(f64) -> Duration) -> Self {
        let millis = |share| rounded(quantile(share).as_secs_f64() * 1e3);
        Self { p50: millis(0.5), p99: millis(0.99) }
    }
}

/// To a thousandth: more is noise.
fn rounded(number: f64) -> f64 {
    (number * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::order_service::ledger::{Outcome, Window};

    #[tokio::test]
    async fn a_line_without_outcome_unbalances() {
        let ledger = Ledger::new(Window::DEFAULT);
        for line in [3, 4, 9] {
            ledger.open(line, 1).await;
        }
        ledger.close(Some(4), &Outcome::DeadLettered("permanent".into()), None);
        ledger.close(Some(9), &Outcome::Completed, None);
        let summary = Summary::new(&ledger, &[], Duration::from_secs(2), true);
        assert_eq!((summary.read, summary.completed, summary.balanced), (3, 1, false));
        assert_eq!((summary.unaccounted, summary.unaccounted_lines.as_slice()), (1, &[3][..]));
        let text = Table(&summary).to_string();
        assert!(text.contains("NOT BALANCED") && text.contains("line 3"), "{text}");
        ledger.close(Some(3), &Outcome::Duplicate, None);
        let summary = Summary::new(&ledger, &[], Duration::from_secs(2), true);
        assert!(summary.balanced);
        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!(json["dead_lettered"], serde_json::json!({"permanent": 1}));
        assert_eq!(json["duplicates"], 1);
    }
}
