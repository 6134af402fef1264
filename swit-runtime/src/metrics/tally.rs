//! Wide buckets: of sizes, of ages, of how many go out together.

use std::time::Duration;

/// Bounds of sizes: 64 bytes · 4ⁿ, up to 16 MiB.
pub(crate) const SIZES: [u64; 10] = [64, 256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/// Bounds of ages, in milliseconds: from a millisecond to a day.
pub(crate) const AGES: [u64; 14] =
    [1, 5, 10, 50, 100, 500, 1_000, 5_000, 10_000, 30_000, 60_000, 300_000, 3_600_000, 86_400_000];

/// The bucket of a size.
#[inline]
pub(crate) fn size_bucket(bytes: usize) -> usize {
    match bytes.saturating_sub(1) {
        0..64 => 0,
        above => ((above.ilog2() as usize - 6) / 2 + 1).min(SIZES.len()),
    }
}

/// The bucket of an age.
#[inline]
pub(crate) fn age_bucket(age: Duration) -> usize {
    // What is a part of a millisecond older than a bound is above it.
    AGES.iter().take_while(|bound| age > Duration::from_millis(**bound)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_of_exactly_a_bound_is_below_it() {
        for (at, bound) in SIZES.into_iter().enumerate() {
            let bound = usize::try_from(bound).unwrap();
            assert_eq!((size_bucket(bound), size_bucket(bound + 1)), (at, at + 1));
        }
        assert_eq!((size_bucket(0), size_bucket(usize::MAX)), (0, SIZES.len()));
        for (at, bound) in AGES.into_iter().enumerate() {
            let bound = Duration::from_millis(bound);
            assert_eq!((age_bucket(bound), age_bucket(bound + Duration::from_nanos(1))), (at, at + 1));
        }
    }
}
