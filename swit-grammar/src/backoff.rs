//! Backoff: how long to wait before each retry.

use std::time::Duration;

use crate::{
    duration,
    fault::Fault,
    jitter::{Jitter, decorrelated},
    limits::MAX_DURATION,
};

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
        /// What chance does to the wait.
        jitter: Jitter,
    },
    /// `linear("1s", jitter = "equal")`: `step`, `2 × step`, `3 × step`, …
    Linear {
        /// Wait before the first retry, and what each further one adds.
        step: Duration,
        /// What chance does to the wait; never `Decorrelated`.
        jitter: Jitter,
    },
    /// `fixed("1s", jitter = "full")`: the same wait each time.
    Fixed {
        /// The wait.
        wait: Duration,
        /// What chance does to the wait; never `Decorrelated`.
        jitter: Jitter,
    },
    /// `none`: at once.
    None,
}

impl Backoff {
    /// Exponential from 1 s to 30 s, doubling, with a tenth of jitter: what a subscriber has that says nothing.
    pub const DEFAULT: Self = Self::Exponential {
        first: Duration::from_secs(1),
        max: Duration::from_secs(30),
        factor: 2.0,
        jitter: Jitter::Share(0.1),
    };

    /// `linear(step)` without jitter.
    pub const fn linear(step: Duration) -> Self {
        Self::Linear { step, jitter: Jitter::NONE }
    }

    /// `fixed(wait)` without jitter.
    pub const fn fixed(wait: Duration) -> Self {
        Self::Fixed { wait, jitter: Jitter::NONE }
    }

    /// Checks the numbers against each other.
    ///
    /// # Errors
    /// `max` below the first wait, a factor below 1, jitter outside 0..=1, a wait of zero, decorrelated jitter of a backoff
    /// that does not grow by a factor.
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
                jitter.check()
            }
            Self::Linear { step: wait, .. } | Self::Fixed { wait, .. } if wait.is_zero() => {
                Err(Fault::new("the wait is zero", "write `none` to retry at once"))
            }
            Self::Linear { jitter: Jitter::Decorrelated, .. } | Self::Fixed { jitter: Jitter::Decorrelated, .. } => {
                Err(Fault::new(
                    "`jitter = \"decorrelated\"` grows by a factor, which only `exponential` has",
                    "write \"full\" or \"equal\", or use `exponential`",
                ))
            }
            Self::Linear { jitter, .. } | Self::Fixed { jitter, .. } => jitter.check(),
            Self::None => Ok(()),
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
            Self::Linear { step, .. } => step.saturating_mul(n).min(MAX_DURATION),
            Self::Fixed { wait, .. } => wait,
            Self::None => Duration::ZERO,
        }
    }

    /// The wait before retry number `retry` with jitter, for a `chance` in 0..1 drawn by the caller.
    ///
    /// Never longer than [`wait`](Self::wait), but for decorrelated jitter, which is never longer than `max` and never
    /// shorter than the first wait.
    pub fn jittered(&self, retry: u32, chance: f64) -> Duration {
        let chance = if chance.is_nan() { 0.0 } else { chance.clamp(0.0, 1.0) };
        let wait = self.wait(retry);
        match *self {
            Self::Exponential { first, max, factor, jitter: Jitter::Decorrelated } => {
                decorrelated(first, max, factor, retry, chance)
            }
            Self::Exponential { jitter, .. } | Self::Linear { jitter, .. } | Self::Fixed { jitter, .. } => {
                jitter.of(wait, chance)
            }
            Self::None => wait,
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
        // One comma may stand behind the last.
        let inner = inner.trim_end();
        let mut arguments = inner.strip_suffix(',').unwrap_or(inner).split(',').map(str::trim);
        let unquote = |value: &str| value.trim().trim_matches('"').to_owned();
        let first = duration::parse(&unquote(arguments.next().ok_or_else(refuse)?))?;
        let (mut max, mut factor, mut jitter) = (None, None, None);
        for argument in arguments {
            let (key, value) = argument.split_once('=').ok_or_else(refuse)?;
            let value = unquote(value);
            let given_twice = match key.trim() {
                "max" => max.replace(duration::parse(&value)?).is_some(),
                "factor" => factor.replace(value.parse::<f64>().map_err(|_| refuse())?).is_some(),
                "jitter" => jitter.replace(Jitter::parse(&value)?).is_some(),
                _ => return Err(refuse()),
            };
            if given_twice {
                return Err(Fault::new(format!("`{}` is given twice", key.trim()), "keep one of them"));
            }
        }
        let backoff = match (kind.trim(), max, factor) {
            ("linear", None, None) => Self::Linear { step: first, jitter: jitter.unwrap_or(Jitter::NONE) },
            ("fixed", None, None) => Self::Fixed { wait: first, jitter: jitter.unwrap_or(Jitter::NONE) },
            ("exponential", ..) => Self::exponential(first, max, factor, jitter),
            _ => return Err(refuse()),
        };
        backoff.check()?;
        Ok(backoff)
    }

    /// Exponential, with the defaults of what is not written: at most 30 s (or the first wait, if that is longer), doubling
    /// (tripling where the jitter is decorrelated), with a tenth of jitter.
    pub fn exponential(first: Duration, max: Option<Duration>, factor: Option<f64>, jitter: Option<Jitter>) -> Self {
        let jitter = jitter.unwrap_or(Jitter::Share(0.1));
        Self::Exponential {
            first,
            max: max.unwrap_or(DEFAULT_MAX.max(first)),
            factor: factor.unwrap_or(if jitter == Jitter::Decorrelated { 3.0 } else { 2.0 }),
            jitter,
        }
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
        assert_eq!(seconds(Backoff::linear(Duration::from_secs(2))), [2, 4, 6, 8, 10, 12]);
        assert_eq!(seconds(Backoff::fixed(Duration::from_secs(3))), [3; 6]);
        assert_eq!(seconds(Backoff::None), [0; 6]);
    }

    #[test]
    fn reads_the_attributes_words() {
        assert_eq!(
            Backoff::parse("exponential(\"1s\", max = \"30s\", factor = 2, jitter = 0.1)"),
            Ok(Backoff::DEFAULT)
        );
        assert_eq!(Backoff::parse("linear(250ms)"), Ok(Backoff::linear(Duration::from_millis(250))));
        assert_eq!(Backoff::parse("linear(250ms, )"), Ok(Backoff::linear(Duration::from_millis(250))));
        assert_eq!(Backoff::parse("none"), Ok(Backoff::None));
        let second = Duration::from_secs(1);
        for (text, jitter, factor) in
            [("full", Jitter::Full, 2.0), ("equal", Jitter::Equal, 2.0), ("decorrelated", Jitter::Decorrelated, 3.0)]
        {
            let expected = Backoff::Exponential { first: second, max: Duration::from_secs(30), factor, jitter };
            assert_eq!(Backoff::parse(&format!("exponential(1s, jitter = {text})")), Ok(expected));
        }
        assert_eq!(
            Backoff::parse("fixed(\"1s\", jitter = \"full\")"),
            Ok(Backoff::Fixed { wait: second, jitter: Jitter::Full })
        );
        assert_eq!(
            Backoff::parse("linear(1s, jitter = 0.5)"),
            Ok(Backoff::Linear { step: second, jitter: Jitter::Share(0.5) })
        );
        for bad in [
            "",
            "soon",
            "fixed()",
            "fixed(1s",
            "fixed(1s,,)",
            "fixed(,1s)",
            "fixed(1s,,jitter = 0.5)",
            "fixed(1s, 2s)",
            "exponential(1s, max = 10ms)",
            "exponential(1s, factor = 0.5)",
            "exponential(1s, jitter = 2)",
            "exponential(1s, speed = 2)",
            "exponential(1s, jitter = some)",
            "exponential(1s, jitter = NaN)",
            "exponential(1s, factor = 2, factor = 3)",
            "fixed(1s, max = 2s)",
            "fixed(1s, jitter = decorrelated)",
            "linear(1s, jitter = decorrelated)",
            "linear(1s, jitter = 1.5)",
            "fixed(0s)",
        ] {
            assert!(Backoff::parse(bad).is_err(), "{bad}");
        }
    }

    fn any_jitter() -> impl Strategy<Value = Jitter> {
        prop_oneof![
            (0.0f64..=1.0).prop_map(Jitter::Share),
            Just(Jitter::Full),
            Just(Jitter::Equal),
            Just(Jitter::Decorrelated)
        ]
    }

    proptest! {
        #[test]
        fn never_beyond_max_and_never_below_zero(
            retry in 0u32..=u32::MAX, chance in 0.0f64..1.0, factor in 1.0f64..1e9, jitter in any_jitter()
        ) {
            let max = Duration::from_secs(30);
            let backoff = Backoff::Exponential { first: Duration::from_millis(1), max, factor, jitter };
            prop_assert!(backoff.wait(retry) <= max);
            prop_assert!(backoff.jittered(retry, chance) <= max);
        }

        #[test]
        fn jitter_stays_within_its_bounds(
            first in 1u64..10_000, longer in 0u64..100_000, retry in 1u32..101, chance in 0.0f64..1.0, factor in 1.0f64..10.0
        ) {
            let (first, max) = (Duration::from_millis(first), Duration::from_millis(first + longer));
            let of = |jitter| Backoff::Exponential { first, max, factor, jitter };
            let whole = of(Jitter::NONE).wait(retry);
            let near = Duration::from_micros(1);
            prop_assert_eq!(of(Jitter::NONE).jittered(retry, chance), whole);
            prop_assert!(of(Jitter::Full).jittered(retry, chance) <= whole);
            let equal = of(Jitter::Equal).jittered(retry, chance);
            prop_assert!(equal + near >= whole / 2 && equal <= whole, "{:?} of {:?}", equal, whole);
            let tenth = of(Jitter::Share(0.1)).jittered(retry, chance);
            prop_assert!(tenth + near >= whole.mul_f64(0.9) && tenth <= whole, "{:?} of {:?}", tenth, whole);
            let free = of(Jitter::Decorrelated).jittered(retry, chance);
            prop_assert!(first <= free && free <= whole.mul_f64(factor).min(max) + near, "{:?} of {:?}", free, whole);
            for backoff in [
                Backoff::Linear { step: first, jitter: Jitter::Full },
                Backoff::Fixed { wait: first, jitter: Jitter::Equal },
            ] {
                prop_assert!(backoff.jittered(retry, chance) <= backoff.wait(retry));
            }
        }
    }

    #[test]
    fn jitter_spreads_what_would_come_together() {
        for jitter in [Jitter::Full, Jitter::Equal, Jitter::Decorrelated, Jitter::Share(0.5)] {
            let backoff = Backoff::Exponential {
                first: Duration::from_secs(1),
                max: Duration::from_mins(1),
                factor: 2.0,
                jitter,
            };
            let waits: Vec<Duration> = (0..100).map(|n| backoff.jittered(4, f64::from(n) / 100.0)).collect();
            let (shortest, longest) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
            assert!(*longest > *shortest + Duration::from_secs(2), "{jitter:?}: {shortest:?} to {longest:?}");
        }
    }
}
