//! Jitter: what chance does to a wait, so that what failed together does not come back together.

use std::time::Duration;

use crate::{fault::Fault, nearest::nearest};

/// What chance does to a wait, as `jitter = …` says it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Jitter {
    /// `0.1`: chance takes up to this share, 0 to 1, off the wait.
    Share(f64),
    /// `"full"`: anything from nothing to the whole wait.
    Full,
    /// `"equal"`: half of the wait, and up to as much again.
    Equal,
    /// `"decorrelated"`: anything from the first wait to `factor` times (three times, if no factor is written) the one
    /// before, at most `max`.
    ///
    /// The wait before is not remembered: a retry may happen in another process than the one before it. All the waits up to
    /// this one are drawn anew, which gives each the same distribution as if they had been remembered.
    Decorrelated,
}

impl Jitter {
    /// The wait as it is.
    pub const NONE: Self = Self::Share(0.0);

    const WORDS: [(&'static str, Self); 3] =
        [("full", Self::Full), ("equal", Self::Equal), ("decorrelated", Self::Decorrelated)];

    /// Reads what stands behind `jitter =`: a word or a share.
    ///
    /// # Errors
    /// Anything but the three words and a number from 0 to 1.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if let Some((_, jitter)) = Self::WORDS.iter().find(|(word, _)| *word == text) {
            return Ok(*jitter);
        }
        if let Ok(share) = text.parse() {
            let jitter = Self::Share(share);
            return jitter.check().map(|()| jitter);
        }
        let help = match nearest(text, Self::WORDS.map(|(word, _)| word)) {
            Some(near) => format!("did you mean \"{near}\"?"),
            None => "write \"full\", \"equal\", \"decorrelated\" or a share such as 0.1".to_owned(),
        };
        Err(Fault::new(format!("`jitter` is \"{text}\""), help))
    }

    /// Checks the share.
    ///
    /// # Errors
    /// It is outside 0..=1.
    pub fn check(self) -> Result<(), Fault> {
        match self {
            Self::Share(share) if !(0.0..=1.0).contains(&share) => {
                Err(Fault::new(format!("`jitter` is {share}"), "use a share from 0 to 1"))
            }
            _ => Ok(()),
        }
    }

    /// This wait with jitter, for a chance in 0..=1. A decorrelated one is not a part of its wait: see [`decorrelated`].
    pub(crate) fn of(self, wait: Duration, chance: f64) -> Duration {
        match self {
            Self::Share(share) => wait.mul_f64((1.0 - share * chance).clamp(0.0, 1.0)),
            Self::Full => wait.mul_f64(1.0 - chance),
            Self::Equal => wait.mul_f64(1.0 - 0.5 * chance),
            Self::Decorrelated => wait,
        }
    }
}

/// The `retry`th wait (from 1) of a walk from `first`, each step between `first` and `factor` times the one before, at most
/// `max`. One chance makes the whole walk.
pub(crate) fn decorrelated(first: Duration, max: Duration, factor: f64, retry: u32, chance: f64) -> Duration {
    /// Enough for every budget; a walk this long has long been everywhere.
    const LONGEST_WALK: u32 = 128;
    let (least, most) = (first.as_secs_f64(), max.as_secs_f64());
    let mut state = chance.to_bits();
    let mut wait = least;
    for _ in 0..retry.clamp(1, LONGEST_WALK) {
        let reach = (wait * factor).min(most) - least;
        wait = least + reach.max(0.0) * unit(&mut state);
    }
    Duration::try_from_secs_f64(wait).unwrap_or(max).clamp(first, max.max(first))
}

/// The next number in 0..1, by `SplitMix64`, which makes independent numbers of neighbouring states.
fn unit(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever chance says: never below the first wait, never above `max`, and no further than so many steps lead.
        #[test]
        fn a_decorrelated_wait_stays_within_its_bounds(
            first in 1u64..100_000, longer in 0u64..1_000_000, factor in 1.0f64..20.0, retry in 0u32..200,
            chance in prop_oneof![Just(0.0), Just(1.0), 0.0f64..1.0, any::<f64>()],
        ) {
            let (first, max) = (Duration::from_millis(first), Duration::from_millis(first + longer));
            let wait = decorrelated(first, max, factor, retry, chance);
            let steps = i32::try_from(retry.max(1)).unwrap();
            let furthest = (first.as_secs_f64() * factor.powi(steps)).min(max.as_secs_f64());
            prop_assert!(first <= wait && wait <= max, "{wait:?} of {first:?} to {max:?}");
            prop_assert!(wait.as_secs_f64() <= furthest + 1e-6, "{wait:?} after {retry} steps from {first:?}");
        }
    }

    #[test]
    fn words_and_shares_are_read() {
        assert_eq!(Jitter::parse("full"), Ok(Jitter::Full));
        assert_eq!(Jitter::parse("0.25"), Ok(Jitter::Share(0.25)));
        assert!(Jitter::parse("ful").unwrap_err().help.contains("did you mean \"full\""));
        for bad in ["", "half", "-0.1", "1.1", "NaN", "inf"] {
            assert!(Jitter::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_decorrelated_walk_grows_on_average() {
        let (first, max) = (Duration::from_secs(1), Duration::from_mins(1));
        let mean = |retry| {
            (0..2_000).map(|n| decorrelated(first, max, 3.0, retry, f64::from(n) / 2_000.0).as_secs_f64()).sum::<f64>()
                / 2_000.0
        };
        // The first lies between one and three seconds, the second between one and nine.
        assert!((1.9..2.1).contains(&mean(1)), "{}", mean(1));
        assert!((3.2..3.8).contains(&mean(2)), "{}", mean(2));
        assert!(mean(3) > mean(2) && mean(8) > mean(3));
    }
}
