//! What everything on the broker is called, and how long it holds things back.
//!
//! Delays are a fixed set of steps, each with queues of its own whose time to live never changes: so no message waits
//! behind one that waits longer, and no queue is made per millisecond.

use std::time::Duration;

use crate::{
    failpoint::{self, Sabotage},
    text::Text,
};

/// The direct exchange through which the broker's own dead letters travel, with the name of their queue as key.
pub(super) const DEAD: &str = "swit.dead";
/// Takes what `swit.dead` and due events find no queue for, so that nothing gets stuck behind it.
pub(super) const DISCARDED: &str = "swit.discarded";

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;

/// The steps, in seconds. From one to the next is at most two and a half times.
const STEPS: [u64; 17] = [
    1,
    2,
    5,
    10,
    30,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    24 * HOUR,
];

/// The longest delay.
pub(super) const LONGEST_DELAY: Duration = Duration::from_secs(STEPS[STEPS.len() - 1]);

/// One step of delays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Step(u64);

impl Step {
    /// The shortest step that is no shorter than this; the longest for what is longer than all.
    pub(super) fn of(delay: Duration) -> Self {
        let longest = STEPS[STEPS.len() - 1];
        if failpoint::is_broken(Sabotage::DelayAllAlike) {
            return Self(MINUTE);
        }
        Self(STEPS.into_iter().find(|step| Duration::from_secs(*step) >= delay).unwrap_or(longest))
    }

    /// All of them, shortest first.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        STEPS.into_iter().map(Self)
    }

    /// In milliseconds, as the broker counts.
    pub(super) fn millis(self) -> i64 {
        // A day of milliseconds fits.
        i64::try_from(self.0 * 1_000).unwrap_or(i64::MAX)
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&swit_grammar::duration::format(Duration::from_secs(self.0)))
    }
}

/// The queue in which copies for `queue` wait.
pub(super) fn retry_queue(queue: &str, step: Step) -> Text {
    Text::from(format!("{queue}.retry.{step}"))
}

/// The exchange, and the queue behind it, in which delayed events wait for their topic.
pub(super) fn delay(exchange: &str, step: Step) -> Text {
    Text::from(format!("{exchange}.delay.{step}"))
}

/// The exchange through which delayed events go when they are due.
pub(super) fn due(exchange: &str) -> Text {
    Text::from(format!("{exchange}.due"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_rounded_up() {
        for (delay, step) in [
            (0, "1s"),
            (1, "1s"),
            (1_000, "1s"),
            (1_001, "2s"),
            (31_000, "1m"),
            (3_600_001, "2h"),
            (u64::MAX / 2, "1d"),
        ] {
            assert_eq!(Step::of(Duration::from_millis(delay)).to_string(), step, "{delay} ms");
        }
        assert_eq!(Step::of(LONGEST_DELAY).millis(), 86_400_000);
        assert_eq!(retry_queue("orders.confirm", Step::of(Duration::from_secs(20))), "orders.confirm.retry.30s");
    }
}
