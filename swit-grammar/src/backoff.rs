//! Backoff: how long to wait before each retry.

use std::time::Duration;

use crate::{duration, fault::Fault, limits::MAX_DURATION};

/// The wait before a retry, as `backoff = …` says it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Backoff {
    /// `exponential("1s", max = "30s", factor = 2, jitter = 0.1)`: `first × factorⁿ`, at most `max`.
    Exponential {
        /// Wait before the first retry.
        first: Duration,
        /// Longest wait.
        max: Duration,
        /// What each wait is multiplied by, at least 1.
        factor: f64,
        /// Share of the wait, 0 to 1, that chance may take off.
        jitter: f64,
    },
    /// `linear("1s")`: `step`, `2 × step`, `3 × step`, …
    Linear {
        /// Wait before the first retry, and what each further one adds.
        step: Duration,
    },
    /// `fixed("1s")`: the same wait each time.
    Fixed {
        /// The wait.
        wait: Duration,
    },
    /// `none`: at once.
    None,
}

impl Backoff {
    /// Exponential from 1 s to 30 s, doubling, with a tenth of jitter: what a subscriber has that says nothing.
    pub const DEFAULT: Self =
        Self::Exponential { first: Duration::from_secs(1), max: Duration::from_secs(30), factor: 2.0, jitter: 0.1 };

    /// Checks the numbers against each other.
    ///
    /// # Errors
    /// `max` below the first wait, a factor below 1, jitter outside 0..=1, a wait of zero.
    pub fn check(&self) -> Result<(), Fault> {
        match *self {
            Self::Exponential { first, max, factor, jitter } => {
                if first.is_zero() {
                    return Err(Fault::new("the first wait is zero", "write `none` to retry at once"));
                }
                if max < first {
                    return Err(Fault::new(
                        format!(
                            "`max` ({}) is below the first wait ({})",
                            duration::format(max),
                            duration::format(first)
                        ),
                        "raise `max` or lower the first wait",
                    ));
                }
                if !(factor >= 1.0 && factor.is_finite()) {
                    return Err(Fault::new(format!("`factor` is {factor}"), "use a factor of at least 1"));
                }
                if !(0.0..=1.0).contains(&jitter) {
                    return Err(Fault::new(format!("`jitter` is {jitter}"), "use a share from 0 to 1"));
                }
                Ok(())
            }
            Self::Linear { step: wait } | Self::Fixed { wait } if wait.is_zero() => {
                Err(Fault::new("the wait is zero", "write `none` to retry at once"))
            }
            _ => Ok(()),
        }
    }

    /// The wait before retry number `retry` (the first is 1), before jitter.
    pub fn wait(&self, retry: u32) -> Duration {
        let n = retry.max(1);
        match *self {
            Self::Exponential { first, max, factor, .. } => {
                let exponent = i32::try_from(n - 1).unwrap_or(i32::MAX);
                let seconds = first.as_secs_f64() * factor.powi(exponent);
                if seconds >= max.as_secs_f64() { max } else { Duration::from_secs_f64(seconds) }
            }
            Self::Linear { step } => step.saturating_mul(n).min(MAX_DURATION),
            Self::Fixed { wait } => wait,
            Self::None => Duration::ZERO,
        }
    }

    /// The wait before retry number `retry` with jitter, for a `chance` in 0..1 drawn by the caller.
    pub fn jittered(&self, retry: u32, chance: f64) -> Duration {
        let wait = self.wait(retry);
        match *self {
            Self::Exponential { jitter, .. } if jitter > 0.0 => wait.mul_f64(1.0 - jitter * chance.clamp(0.0, 1.0)),
            _ => wait,
        }
    }

    /// Reads a backoff as a configuration file writes it, in the attribute's own words.
    ///
    /// # Errors
    /// Anything but the four kinds with their arguments, and what [`check`](Self::check) refuses.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let help = "write `exponential(\"1s\", max = \"30s\", factor = 2, jitter = 0.1)`, `linear(\"1s\")`, `fixed(\"1s\")` or `none`";
        let refuse = || Fault::new(format!("`{text}` is not a backoff"), help);
        let text = text.trim();
        if text == "none" {
            return Ok(Self::None);
        }
        let (kind, rest) = text.split_once('(').ok_or_else(refuse)?;
        let inner = rest.strip_suffix(')').ok_or_else(refuse)?;
        let mut arguments = inner.split(',').map(str::trim).filter(|a| !a.is_empty());
        let unquote = |value: &str| value.trim().trim_matches('"').to_owned();
        let first = duration::parse(&unquote(arguments.next().ok_or_else(refuse)?))?;
        let backoff = match kind.trim() {
            "linear" => Self::Linear { step: first },
            "fixed" => Self::Fixed { wait: first },
            "exponential" => {
                let (mut max, mut factor, mut jitter) = (DEFAULT_MAX.max(first), 2.0, 0.1);
                for argument in arguments.by_ref() {
                    let (key, value) = argument.split_once('=').ok_or_else(refuse)?;
                    let value = unquote(value);
                    match key.trim() {
                        "max" => max = duration::parse(&value)?,
                        "factor" => factor = value.parse().map_err(|_| refuse())?,
                        "jitter" => jitter = value.parse().map_err(|_| refuse())?,
                        _ => return Err(refuse()),
                    }
                }
                Self::Exponential { first, max, factor, jitter }
            }
            _ => return Err(refuse()),
        };
        if arguments.next().is_some() {
            return Err(refuse());
        }
        backoff.check()?;
        Ok(backoff)
    }
}

/// The longest wait of an exponential backoff that names no `max` (or its first wait, if that is longer).
pub const DEFAULT_MAX: Duration = Duration::from_secs(30);

impl Default for Backoff {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn waits_grow_as_they_say() {
        let seconds = |backoff: Backoff| (1..=6).map(|n| backoff.wait(n).as_secs()).collect::<Vec<_>>();
        assert_eq!(seconds(Backoff::DEFAULT), [1, 2, 4, 8, 16, 30]);
        assert_eq!(seconds(Backoff::Linear { step: Duration::from_secs(2) }), [2, 4, 6, 8, 10, 12]);
        assert_eq!(seconds(Backoff::Fixed { wait: Duration::from_secs(3) }), [3; 6]);
        assert_eq!(seconds(Backoff::None), [0; 6]);
    }

    #[test]
    fn reads_the_attributes_words() {
        assert_eq!(
            Backoff::parse("exponential(\"1s\", max = \"30s\", factor = 2, jitter = 0.1)"),
            Ok(Backoff::DEFAULT)
        );
        assert_eq!(Backoff::parse("linear(250ms)"), Ok(Backoff::Linear { step: Duration::from_millis(250) }));
        assert_eq!(Backoff::parse("none"), Ok(Backoff::None));
        for bad in [
            "",
            "soon",
            "fixed()",
            "fixed(1s",
            "fixed(1s, 2s)",
            "exponential(1s, max = 10ms)",
            "exponential(1s, factor = 0.5)",
            "exponential(1s, jitter = 2)",
            "exponential(1s, speed = 2)",
            "fixed(0s)",
        ] {
            assert!(Backoff::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn never_beyond_max_and_never_below_zero(retry in 0u32..=u32::MAX, chance in 0.0f64..1.0, factor in 1.0f64..1e9) {
            let max = Duration::from_secs(30);
            let backoff = Backoff::Exponential { first: Duration::from_millis(1), max, factor, jitter: 1.0 };
            prop_assert!(backoff.wait(retry) <= max);
            prop_assert!(backoff.jittered(retry, chance) <= max);
        }
    }
}
