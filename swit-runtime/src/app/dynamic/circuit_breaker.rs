//! [`CircuitBreaker`]: the arguments of `circuit_breaker`, for policies that are made in code.

use std::time::Duration;

use crate::{registry::Breaker, text::Text};

/// A circuit breaker in the making, for [`Policies::circuit_breaker`](super::Policies::circuit_breaker). What is not named
/// is as in the attribute: it opens after 5 failures in a row, for 30 s, and closes after 3 probes.
///
/// ```
/// use std::time::Duration;
/// use swit_runtime::app::{CircuitBreaker, Policies};
///
/// let bank = CircuitBreaker::new().failures(10).reset(Duration::from_secs(5)).named("bank");
/// let policies = Policies::new().circuit_breaker(bank).rate_limit(100, 10);
/// # let _ = policies;
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use = "a breaker does nothing by itself"]
pub struct CircuitBreaker {
    pub(super) numbers: Breaker,
    pub(super) name: Option<Text>,
}

impl CircuitBreaker {
    /// As `circuit_breaker` without arguments.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens after so many failures in a row.
    pub fn failures(mut self, failures: u32) -> Self {
        self.numbers.failures = Some(failures);
        self
    }

    /// Stays open for so long.
    pub fn reset(mut self, reset: Duration) -> Self {
        self.numbers.reset = Some(reset);
        self
    }

    /// Admits so many probes when it is half-open, all of which must succeed.
    pub fn half_open(mut self, probes: u32) -> Self {
        self.numbers.half_open = Some(probes);
        self
    }

    /// Opens when this share of the attempts of a window failed, above 0 and up to 1, if there were `min_volume` or more.
    pub fn rate(mut self, share: f64, window: Duration, min_volume: u32) -> Self {
        self.numbers =
            Breaker { rate: Some(share), window: Some(window), min_volume: Some(min_volume), ..self.numbers };
        self
    }

    /// Shares one breaker with all subscribers that name it. Their numbers must be the same.
    pub fn named(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }
}
