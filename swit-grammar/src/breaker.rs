//! What `circuit_breaker` may say, wherever it is written.

use std::time::Duration;

use crate::{Fault, duration};

/// Consecutive failures that open a breaker of which nothing else is written.
pub const DEFAULT_FAILURES: u32 = 5;
/// How long a breaker stays open where nobody says otherwise.
pub const DEFAULT_RESET: Duration = Duration::from_secs(30);
/// Probes that a half-open breaker admits, and that must succeed, where nobody says otherwise.
pub const DEFAULT_HALF_OPEN: u32 = 3;
/// The time over which a failure rate is taken where nobody says otherwise.
pub const DEFAULT_WINDOW: Duration = Duration::from_secs(10);
/// Attempts in a window below which its failure rate says nothing, where nobody says otherwise.
pub const DEFAULT_MIN_VOLUME: u32 = 20;
/// Longest time that a breaker stays open: what it was at waits so long, and brokers don't wait for ever.
pub const MAX_RESET: Duration = Duration::from_hours(1);
/// Shortest and longest window of a failure rate.
pub const WINDOWS: (Duration, Duration) = (Duration::from_millis(100), Duration::from_hours(1));
/// Most failures, and least attempts, that may be asked for.
pub const MAX_COUNT: u32 = 1_000_000;
/// Most probes.
pub const MAX_HALF_OPEN: u32 = 65_535;

/// The arguments of `circuit_breaker`.
pub const KEYS: [&str; 7] = ["failures", "reset", "half_open", "rate", "window", "min_volume", "name"];

/// `circuit_breaker`, as it is written: `None` is «not written». Its name is not part of it, since several may share one
/// breaker only if all of this is the same.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Breaker {
    /// Consecutive failures that open it.
    pub failures: Option<u32>,
    /// How long it stays open.
    pub reset: Option<Duration>,
    /// Probes that it admits when it is half-open, all of which must succeed.
    pub half_open: Option<u32>,
    /// The share of failed attempts in a window that opens it.
    pub rate: Option<f64>,
    /// The time over which that share is taken.
    pub window: Option<Duration>,
    /// Attempts in a window below which its share says nothing.
    pub min_volume: Option<u32>,
}

/// What a breaker does, with the defaults of what is not written.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Consecutive failures that open it; `None`: only the rate does.
    pub failures: Option<u32>,
    /// How long it stays open.
    pub reset: Duration,
    /// Probes that it admits when it is half-open, all of which must succeed.
    pub half_open: u32,
    /// The failure rate that opens it, where one does.
    pub rate: Option<Rate>,
}

/// A failure rate that opens a breaker.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// The share of failed attempts, above 0 and at most 1.
    pub share: f64,
    /// The time over which it is taken.
    pub window: Duration,
    /// Attempts below which it says nothing.
    pub min_volume: u32,
}

impl Breaker {
    /// `circuit_breaker` without arguments.
    pub const DEFAULT: Self =
        Self { failures: None, reset: None, half_open: None, rate: None, window: None, min_volume: None };

    /// What is written, with the defaults. A `rate` without `failures` opens it alone.
    pub fn limits(&self) -> Limits {
        let rate = self.rate.map(|share| Rate {
            share,
            window: self.window.unwrap_or(DEFAULT_WINDOW),
            min_volume: self.min_volume.unwrap_or(DEFAULT_MIN_VOLUME),
        });
        Limits {
            failures: self.failures.or(if rate.is_none() { Some(DEFAULT_FAILURES) } else { None }),
            reset: self.reset.unwrap_or(DEFAULT_RESET),
            half_open: self.half_open.unwrap_or(DEFAULT_HALF_OPEN),
            rate,
        }
    }

    /// Everything that these numbers say wrong; a fault's key is `circuit_breaker.` and the argument that it is about.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut refuse = |key, message: String, help: &str| {
            faults.push(Fault::new(format!("`circuit_breaker`: {message}"), help).at(key));
        };
        for (key, name, value, most, help) in [
            (
                "circuit_breaker.failures",
                "failures",
                self.failures,
                MAX_COUNT,
                "open after 1 to 1000000 failures in a row",
            ),
            ("circuit_breaker.half_open", "half_open", self.half_open, MAX_HALF_OPEN, "admit 1 to 65535 probes"),
            ("circuit_breaker.min_volume", "min_volume", self.min_volume, MAX_COUNT, "ask for 1 to 1000000 attempts"),
        ] {
            if let Some(value) = value.filter(|value| *value == 0 || *value > most) {
                refuse(key, format!("`{name}` is {value}"), help);
            }
        }
        if let Some(reset) = self.reset.filter(|reset| reset.is_zero() || *reset > MAX_RESET) {
            let help = "stay open for up to \"1h\", such as \"30s\"";
            refuse("circuit_breaker.reset", format!("`reset` is {}", duration::format(reset)), help);
        }
        if let Some(window) = self.window.filter(|window| *window < WINDOWS.0 || *window > WINDOWS.1) {
            let help = "take the rate over \"100ms\" to \"1h\"";
            refuse("circuit_breaker.window", format!("`window` is {}", duration::format(window)), help);
        }
        if let Some(rate) = self.rate.filter(|rate| !(*rate > 0.0 && *rate <= 1.0)) {
            let help = "open at a share of failed attempts above 0 and up to 1, such as 0.5";
            refuse("circuit_breaker.rate", format!("`rate` is {rate}"), help);
        }
        for (key, name, is_written) in [
            ("circuit_breaker.window", "window", self.window.is_some()),
            ("circuit_breaker.min_volume", "min_volume", self.min_volume.is_some()),
        ] {
            if is_written && self.rate.is_none() {
                refuse(key, format!("`{name}` says nothing without `rate`"), "add `rate = 0.5`, or remove it");
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_those_of_the_bare_key() {
        assert!(Breaker::DEFAULT.faults().is_empty());
        let limits = Breaker::DEFAULT.limits();
        assert_eq!((limits.failures, limits.reset, limits.half_open), (Some(5), Duration::from_secs(30), 3));
        let by_rate = Breaker { rate: Some(0.5), ..Breaker::DEFAULT }.limits();
        let rate = Rate { share: 0.5, window: Duration::from_secs(10), min_volume: 20 };
        assert_eq!((by_rate.failures, by_rate.rate), (None, Some(rate)));
        let both = Breaker { rate: Some(0.5), failures: Some(7), ..Breaker::DEFAULT }.limits();
        assert_eq!((both.failures, both.rate), (Some(7), Some(rate)));
    }

    #[test]
    fn everything_wrong_is_found_at_its_argument() {
        let faults = Breaker {
            failures: Some(0),
            reset: Some(Duration::ZERO),
            half_open: Some(0),
            rate: Some(1.5),
            window: Some(Duration::from_millis(1)),
            min_volume: Some(0),
        }
        .faults();
        let mut found: Vec<_> = faults.iter().map(|fault| fault.key.trim_start_matches("circuit_breaker.")).collect();
        found.sort_unstable();
        assert_eq!(found, ["failures", "half_open", "min_volume", "rate", "reset", "window"]);
        for bad in [
            Breaker { rate: Some(0.0), ..Breaker::DEFAULT },
            Breaker { rate: Some(f64::NAN), ..Breaker::DEFAULT },
            Breaker { reset: Some(Duration::from_hours(2)), ..Breaker::DEFAULT },
            Breaker { window: Some(Duration::from_secs(5)), ..Breaker::DEFAULT },
            Breaker { min_volume: Some(5), ..Breaker::DEFAULT },
        ] {
            assert_eq!(bad.faults().len(), 1, "{bad:?}");
        }
    }
}
