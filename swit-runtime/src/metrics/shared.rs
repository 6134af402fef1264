//! Durations in the buckets of the metrics page, written and read by anybody.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

#[cfg(feature = "prometheus")]
use super::Summed;

/// Bounds: 10 ms · 2ⁿ, for these n: from some ten microseconds to ten seconds.
const FIRST: i32 = -10;
const LAST: i32 = 10;
const BOUNDS: usize = (LAST - FIRST + 1) as usize;
/// More is counted as this much, so that nothing overflows: three months.
const MOST_NANOS: u64 = 1 << 53;

/// Durations of many writers.
#[derive(Debug, Default)]
pub(crate) struct SharedDurations {
    /// The last one is of what is above all bounds.
    buckets: [AtomicU64; BOUNDS + 1],
    nanos: AtomicU64,
}

impl SharedDurations {
    /// Counts a duration. One of exactly a bound belongs below it.
    pub(crate) fn add(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(MOST_NANOS).min(MOST_NANOS);
        // In units of the first bound, which is 10 ms / 2¹⁰.
        let units = nanos.saturating_sub(1) * 1_024 / 10_000_000;
        let bucket = units.checked_ilog2().map_or(0, |log| log as usize + 1).min(BOUNDS);
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.nanos.fetch_add(nanos, Relaxed);
    }

    #[cfg(feature = "prometheus")]
    pub(crate) fn summed(&self) -> Summed {
        let bounds = (FIRST..=LAST).map(|exponent| 0.01 * 2_f64.powi(exponent));
        let buckets: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).collect();
        Summed::of(bounds, &buckets, self.nanos.load(Relaxed) as f64 / 1e9)
    }
}

#[cfg(test)]
#[cfg(feature = "prometheus")]
mod tests {
    use super::*;

    #[test]
    fn a_duration_of_exactly_a_bound_is_below_it() {
        for exponent in 0..=LAST {
            let durations = SharedDurations::default();
            let bound = Duration::from_millis(10 << exponent);
            durations.add(bound);
            durations.add(bound + Duration::from_nanos(1));
            let (summed, at) = (durations.summed(), usize::try_from(exponent - FIRST).unwrap());
            assert_eq!(summed.at_most[at], (bound.as_secs_f64(), 1), "{exponent}");
            assert_eq!((summed.at_most[at - 1].1, summed.count), (0, 2), "{exponent}");
        }
        let durations = SharedDurations::default();
        durations.add(Duration::MAX);
        durations.add(Duration::ZERO);
        let summed = durations.summed();
        assert_eq!((summed.at_most[0].1, summed.at_most[BOUNDS - 1].1, summed.count), (1, 1, 2));
    }

    #[test]
    fn no_writer_undoes_what_another_counted() {
        let (durations, together) = (SharedDurations::default(), std::sync::Barrier::new(4));
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    together.wait();
                    (0..500_000).for_each(|_| durations.add(Duration::from_micros(1)));
                });
            }
        });
        let summed = durations.summed();
        assert_eq!((summed.count, summed.sum), (2_000_000, 2.0));
    }
}
