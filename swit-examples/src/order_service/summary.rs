//! The summary of a run, from its ledger.

use std::time::Duration;

use swit::SubscriberStats;
use swit_orders::summary::{Quantiles, Subscriber, Summary, rounded};

use super::ledger::{Balance, Counts, Latency, Ledger};

/// The summary of a run that took this long.
pub fn summary(ledger: &Ledger, stats: &[SubscriberStats], elapsed: Duration, stopped: bool) -> Summary {
    let (counts, balance, latency) = (ledger.counts(), ledger.balance(), ledger.latency());
    let subscribers: Vec<Subscriber> = stats.iter().map(Subscriber::of).collect();
    let seconds = elapsed.as_secs_f64();
    let Counts { read, completed, out_of_stock, payment_declined, duplicates, .. } = counts;
    let Balance { open, open_lines, torn, torn_lines } = balance.clone();
    Summary {
        read,
        completed,
        rejected: counts.rejected(),
        rejected_by_reason: [("out_of_stock", out_of_stock), ("payment_declined", payment_declined)]
            .map(|(reason, number)| (reason.to_owned(), number))
            .into(),
        // Both of what is left after the counts of all lines.
        balanced: balance.is_even() && read == counts.accounted(),
        dead_lettered: counts.dead_lettered,
        duplicates,
        retries: subscribers.iter().map(|subscriber| subscriber.retries).sum(),
        orders_by_type: counts.by_type.iter().map(|(label, number)| (label.as_str().to_owned(), *number)).collect(),
        orders_by_region: counts.by_region.iter().map(|(label, number)| (label.as_str().to_owned(), *number)).collect(),
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

#[cfg(test)]
mod tests {
    use swit_orders::summary::Table;

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
        let summary = super::summary(&ledger, &[], Duration::from_secs(2), true);
        assert_eq!((summary.read, summary.completed, summary.balanced), (3, 1, false));
        assert_eq!((summary.unaccounted, summary.unaccounted_lines.as_slice()), (1, &[3][..]));
        let text = Table(&summary).to_string();
        assert!(text.contains("NOT BALANCED") && text.contains("line 3"), "{text}");
        ledger.close(Some(3), &Outcome::Duplicate, None);
        let summary = super::summary(&ledger, &[], Duration::from_secs(2), true);
        assert!(summary.balanced);
        let json = serde_json::to_value(&summary).unwrap();
        assert_eq!(json["dead_lettered"], serde_json::json!({"permanent": 1}));
        assert_eq!(json["duplicates"], 1);
    }
}
