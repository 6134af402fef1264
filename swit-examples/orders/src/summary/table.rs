//! The summary as a person reads it.

use std::fmt::{self, Display};

use super::Summary;

/// A summary, displayed as a table.
#[derive(Debug)]
pub struct Table<'a>(pub &'a Summary);

impl Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(summary) = self;
        let dead: u64 = summary.dead_lettered.values().sum();
        row(f, "orders read", summary.read)?;
        row(f, "  completed", summary.completed)?;
        row(f, "  rejected", summary.rejected)?;
        for (reason, number) in &summary.rejected_by_reason {
            row(f, &format!("    {reason}"), *number)?;
        }
        row(f, "  dead-lettered", dead)?;
        for (reason, number) in &summary.dead_lettered {
            row(f, &format!("    {reason}"), *number)?;
        }
        row(f, "  duplicates", summary.duplicates)?;
        writeln!(f)?;
        writeln!(
            f,
            "{:<20} {:>10} {:>10} {:>10} {:>10} {:>10}",
            "subscriber", "attempts", "retries", "dead", "p50 ms", "p99 ms"
        )?;
        for subscriber in &summary.subscribers {
            writeln!(
                f,
                "{:<20} {:>10} {:>10} {:>10} {:>10.3} {:>10.3}",
                subscriber.name,
                subscriber.attempts,
                subscriber.retries,
                subscriber.dead_lettered,
                subscriber.attempt_ms.p50,
                subscriber.attempt_ms.p99
            )?;
        }
        writeln!(f)?;
        writeln!(
            f,
            "{:.3} s, {} orders/s; from line to outcome p50 {:.3} ms, p99 {:.3} ms",
            summary.elapsed_seconds, summary.lines_per_second, summary.latency_ms.p50, summary.latency_ms.p99
        )?;
        if summary.stopped {
            writeln!(f, "stopped before the end of the input; what was read is finished")?;
        }
        balance(f, summary)
    }
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, number: u64) -> fmt::Result {
    writeln!(f, "{name:<31} {number:>10}")
}

fn balance(f: &mut fmt::Formatter<'_>, summary: &Summary) -> fmt::Result {
    if summary.balanced {
        return writeln!(f, "balanced: every line read is accounted for exactly once");
    }
    writeln!(f, "NOT BALANCED")?;
    named(f, "without an outcome", summary.unaccounted, &summary.unaccounted_lines)?;
    named(f, "with two different outcomes", summary.contradictory, &summary.contradictory_lines)
}

fn named(f: &mut fmt::Formatter<'_>, what: &str, number: usize, lines: &[u64]) -> fmt::Result {
    if number == 0 {
        return Ok(());
    }
    let list: Vec<String> = lines.iter().map(ToString::to_string).collect();
    let more = if number > lines.len() { ", …" } else { "" };
    let noun = if lines.len() == 1 { "line" } else { "lines" };
    writeln!(f, "  {number} {what}: {noun} {}{more}", list.join(", "))
}
