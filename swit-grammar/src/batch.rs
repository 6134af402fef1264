//! What `batch` may say of a subscriber, wherever it is written.

use std::time::Duration;

use crate::{Fault, duration, limits::MAX_PREFETCH};

/// Longest time that the first message of a batch may wait for the others: all of them are held meanwhile.
pub const MAX_WITHIN: Duration = Duration::from_mins(1);

/// The arguments of `batch`.
pub const KEYS: [&str; 2] = ["max", "within"];

/// `batch`, as it is written: `None` is «not written».
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Batch {
    /// Most messages of one batch.
    pub max: Option<u32>,
    /// How long the first of them waits for others, at the most.
    pub within: Option<Duration>,
}

impl Batch {
    /// Most messages of one batch.
    pub fn max(&self) -> u32 {
        self.max.unwrap_or(1).max(1)
    }

    /// How long the first of them waits for others.
    pub fn within(&self) -> Duration {
        self.within.unwrap_or(Duration::ZERO)
    }

    /// What so many workers hold, each with its batch.
    pub fn held(&self, concurrency: u32) -> u32 {
        self.max().saturating_mul(concurrency.max(1))
    }

    /// Everything that these numbers say wrong; a fault's key is `batch.` and the argument that it is about.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut refuse = |key, message: String, help: &str| {
            faults.push(Fault::new(format!("`batch`: {message}"), help).at(key));
        };
        match self.max {
            None => refuse(
                "batch.max",
                "`max` is missing".into(),
                "say how many messages one call takes at the most: `max = 100`",
            ),
            Some(max) if !(2..=MAX_PREFETCH).contains(&max) => {
                refuse("batch.max", format!("`max` is {max}"), "use 2 to 65535; a batch of one is none");
            }
            Some(_) => {}
        }
        match self.within {
            None => refuse(
                "batch.within",
                "`within` is missing".into(),
                "say how long the first message waits for others: `within = \"100ms\"`",
            ),
            Some(within) if within < Duration::from_millis(1) || within > MAX_WITHIN => refuse(
                "batch.within",
                format!("`within` is {}", duration::format(within)),
                "use \"1ms\" to \"1m\": all messages of a batch are held meanwhile",
            ),
            Some(_) => {}
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_wrong_is_found_at_its_argument() {
        let (millis, hour) = (Duration::from_millis, Duration::from_hours(1));
        for (max, within, keys) in [
            (None, None, &["batch.max", "batch.within"][..]),
            (Some(0), Some(Duration::ZERO), &["batch.max", "batch.within"]),
            (Some(1), Some(millis(1)), &["batch.max"]),
            (Some(65_536), Some(hour), &["batch.max", "batch.within"]),
            (Some(2), Some(Duration::from_nanos(1)), &["batch.within"]),
            (Some(100), Some(millis(100)), &[]),
            (Some(65_535), Some(MAX_WITHIN), &[]),
        ] {
            let faults = Batch { max, within }.faults();
            assert_eq!(faults.iter().map(|fault| fault.key).collect::<Vec<_>>(), keys, "{max:?} {within:?}");
        }
    }
}
