//! Durations in fine buckets, written by one worker and read by anybody.
//!
//! Four buckets an octave. Their scale is chosen so that 10 ms, and whatever is a power of two times that, is a bound: what
//! the metrics page shows is exact, no bucket of it has to be guessed from two of these.

use std::time::Duration;

use super::Own;

/// The first bucket ends at 10 ms / 2¹⁵, some 305 ns; the last octave at some three hours.
const OCTAVES: usize = 35;
const BUCKETS: usize = 1 + 4 * OCTAVES;
/// 10 ms / 2¹⁵ is `UNIT` / `UNIT_PARTS` nanoseconds.
const UNIT: u64 = 78_125;
const UNIT_PARTS: u64 = 256;
/// More is counted as this much, so that nothing overflows: three months.
const MOST_NANOS: u64 = 1 << 53;

/// Durations of one writer.
#[derive(Debug)]
pub(crate) struct Durations {
    buckets: [Own; BUCKETS],
    nanos: Own,
}

impl Durations {
    pub(crate) fn new() -> Self {
        Self { buckets: [const { Own::new() }; BUCKETS], nanos: Own::new() }
    }

    /// Counts a duration that stands for so many.
    #[inline]
    pub(crate) fn add(&self, duration: Duration, many: u64) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(MOST_NANOS).min(MOST_NANOS);
        self.buckets[bucket_of(nanos)].add_many(many);
        self.nanos.add_many(nanos.saturating_mul(many));
    }

    pub(crate) fn add_to(&self, histogram: &mut Histogram) {
        for (bucket, own) in histogram.buckets.iter_mut().zip(&self.buckets) {
            *bucket += own.get();
        }
        histogram.nanos = histogram.nanos.wrapping_add(self.nanos.get());
    }
}

/// A duration of exactly a bound belongs below it.
#[inline]
fn bucket_of(nanos: u64) -> usize {
    let quarters = nanos.saturating_sub(1) * (4 * UNIT_PARTS) / UNIT;
    if quarters < 4 {
        return 0;
    }
    let octave = quarters.ilog2() - 2;
    let quarter = (quarters >> octave) & 3;
    // Both fit: an octave is below 64, a quarter below 4.
    (1 + octave as usize * 4 + quarter as usize).min(BUCKETS - 1)
}

fn upper_bound(bucket: usize) -> Duration {
    let Some(above) = bucket.checked_sub(1) else { return Duration::from_nanos(UNIT.div_ceil(UNIT_PARTS)) };
    let (octave, quarter) = (above / 4, (above % 4) as u64);
    // A quarter of an octave is a quarter of the octave's beginning.
    Duration::from_nanos(((UNIT * (5 + quarter)) << octave).div_ceil(4 * UNIT_PARTS))
}

/// Durations, counted in buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: Box<[u64; BUCKETS]>,
    nanos: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: Box::new([0; BUCKETS]), nanos: 0 }
    }
}

impl Histogram {
    /// How many attempts it stands for. Of those that never wait some are measured, and stand for the others too: of each
    /// worker's, at most the last seven are not in it yet.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// How long all of them took together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.nanos)
    }

    /// An upper bound of this quantile (0.5 is the median), at most a quarter too high; zero where there are none.
    pub fn quantile(&self, quantile: f64) -> Duration {
        let count = self.count();
        let mut left = (quantile.clamp(0.0, 1.0) * count as f64).ceil().max(1.0);
        for (bucket, n) in self.buckets.iter().enumerate() {
            left -= *n as f64;
            if left <= 0.0 && *n > 0 {
                return upper_bound(bucket);
            }
        }
        Duration::ZERO
    }

    /// How many took at most 10 ms · 2ⁿ, for these n from -15 on: exactly, since each is the bound of a bucket.
    #[cfg(feature = "prometheus")]
    pub(crate) fn at_most(&self, exponents: std::ops::RangeInclusive<i32>) -> Vec<(f64, u64)> {
        let (mut below, mut done) = (0, 0);
        let mut bounds = Vec::new();
        for exponent in exponents {
            let octave = usize::try_from(exponent + 15).unwrap_or_default();
            let until = (1 + 4 * octave).min(BUCKETS);
            below += self.buckets[done..until].iter().sum::<u64>();
            done = until;
            bounds.push((0.01 * 2_f64.powi(exponent), below));
        }
        bounds
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(nanos: impl IntoIterator<Item = u64>) -> Histogram {
        let durations = Durations::new();
        for nanos in nanos {
            durations.add(Duration::from_nanos(nanos), 1);
        }
        let mut histogram = Histogram::default();
        durations.add_to(&mut histogram);
        histogram
    }

    #[test]
    fn quantiles_are_right_to_a_quarter() {
        let histogram = of((1..=1_000).map(|micros| micros * 1_000));
        for (quantile, micros) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found = histogram.quantile(quantile).as_secs_f64() * 1e6;
            assert!((micros..=micros * 1.26).contains(&found), "{quantile}: {found}");
        }
        assert_eq!((histogram.count(), histogram.sum()), (1_000, Duration::from_micros(500_500)));
    }

    #[test]
    fn buckets_hold_what_they_say() {
        let mut last = 0;
        for nanos in (0..60).flat_map(|shift| [(1_u64 << shift) - 1, 1 << shift, (1 << shift) + 1]) {
            let bucket = bucket_of(nanos.min(MOST_NANOS));
            assert!(bucket >= last, "{nanos}");
            last = bucket;
            assert!(bucket == BUCKETS - 1 || Duration::from_nanos(nanos) <= upper_bound(bucket), "{nanos}");
            // Bounds are rounded up to whole nanoseconds.
            let below = bucket.checked_sub(1).map_or(Duration::ZERO, upper_bound);
            assert!(bucket == 0 || Duration::from_nanos(nanos) >= below, "{nanos}");
        }
    }

    #[cfg(feature = "prometheus")]
    #[test]
    fn ten_milliseconds_times_a_power_of_two_is_a_bound() {
        const MS_10: u64 = 10_000_000;
        for exponent in 0..=10_u32 {
            let bound = MS_10 << exponent;
            let histogram = of([bound - 1, bound, bound + 1]);
            let found = histogram.at_most(-10..=10);
            let at = 10 + exponent as usize;
            assert_eq!(found[at], (0.01 * f64::from(1 << exponent), 2), "{exponent}");
            assert_eq!((found[at - 1].1, histogram.count()), (0, 3), "{exponent}");
        }
        assert_eq!(of([1, 9_765, 9_767]).at_most(-10..=-10), [(0.000_009_765_625, 2)]);
    }
}
