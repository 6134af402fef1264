//! What `rate_limit` may say, wherever it is written.

use crate::Fault;

/// Most attempts a second, and most at once, that may be asked for.
pub const MAX_RATE: u32 = 1_000_000;
/// How often a second timers can wake whoever waits, less what they are late: a bucket must hold what comes in between.
const TICKS: u32 = 500;
/// The share of a second that a bucket holds where nobody says otherwise.
const DEFAULT_SHARE: u32 = 10;

/// The arguments of `rate_limit`.
pub const KEYS: [&str; 2] = ["per_second", "burst"];

/// `rate_limit`, as it is written: `None` is «not written».
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RateLimit {
    /// Attempts that may begin in a second.
    pub per_second: Option<u32>,
    /// Attempts that may begin at once after a time in which fewer began.
    pub burst: Option<u32>,
}

impl RateLimit {
    /// Attempts a second.
    pub fn per_second(&self) -> u32 {
        self.per_second.unwrap_or(MAX_RATE)
    }

    /// Attempts at once: as written, else those of a tenth of a second, at least one.
    pub fn burst(&self) -> u32 {
        self.burst.unwrap_or_else(|| self.per_second().div_ceil(DEFAULT_SHARE)).max(1)
    }

    /// Everything that these numbers say wrong; a fault's key is `rate_limit.` and the argument that it is about.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut refuse = |key, message: String, help: String| {
            faults.push(Fault::new(format!("`rate_limit`: {message}"), help).at(key));
        };
        let is_bad = |value: u32| value == 0 || value > MAX_RATE;
        match self.per_second {
            None => refuse(
                "rate_limit.per_second",
                "`per_second` is missing".into(),
                "say how many attempts may begin in a second: `per_second = 100`".into(),
            ),
            Some(rate) if is_bad(rate) => {
                refuse("rate_limit.per_second", format!("`per_second` is {rate}"), "use 1 to 1000000".into());
            }
            Some(rate) => {
                let least = rate.div_ceil(TICKS);
                if let Some(burst) = self.burst.filter(|burst| !is_bad(*burst) && *burst < least) {
                    let message =
                        format!("`burst` ({burst}) is too small for {rate} a second: timers tick in milliseconds");
                    refuse("rate_limit.burst", message, format!("use at least {least}"));
                }
            }
        }
        if let Some(burst) = self.burst.filter(|burst| is_bad(*burst)) {
            refuse("rate_limit.burst", format!("`burst` is {burst}"), "use 1 to 1000000".into());
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_holds_a_tenth_of_a_second() {
        for (rate, burst) in [(1, 1), (10, 1), (100, 10), (101, 11), (1_000_000, 100_000)] {
            let limit = RateLimit { per_second: Some(rate), burst: None };
            assert!(limit.faults().is_empty());
            assert_eq!(limit.burst(), burst);
        }
    }

    #[test]
    fn everything_wrong_is_found_at_its_argument() {
        for (per_second, burst, keys) in [
            (None, None, &["rate_limit.per_second"][..]),
            (Some(0), Some(0), &["rate_limit.per_second", "rate_limit.burst"]),
            (Some(1_000_001), None, &["rate_limit.per_second"]),
            (None, Some(5), &["rate_limit.per_second"]),
            (Some(5_000), Some(9), &["rate_limit.burst"]),
            (Some(5_000), Some(10), &[]),
            (Some(100), Some(1), &[]),
        ] {
            let faults = RateLimit { per_second, burst }.faults();
            assert_eq!(faults.iter().map(|fault| fault.key).collect::<Vec<_>>(), keys, "{per_second:?} {burst:?}");
        }
    }
}
