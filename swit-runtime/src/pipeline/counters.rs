//! What a worker counts, in the cheapest form: a worker is the only writer of its own numbers.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// One worker's numbers.
        #[derive(Debug)]
        pub(crate) struct Counters {
            $($name: Own,)*
            durations: [Own; BUCKETS],
            /// Ended with a delivery in hand.
            unfinished: std::sync::atomic::AtomicBool,
        }

        /// What a subscriber's workers counted since it started.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
            /// How often an event handler failed, where the subscriber is a composite; those of `best_effort` fail nothing else.
            pub handlers_failed: u64,
            /// How long attempts took. Those that waited for something are all in it; of those that never did, a sample.
            pub durations: Histogram,
        }

        impl Counters {
            pub(crate) fn new() -> Self {
                Self { $($name: Own::default(),)* durations: [const { Own(AtomicU64::new(0)) }; BUCKETS], unfinished: false.into() }
            }

            $(#[inline] pub(crate) fn $name(&self) { self.$name.add(); })*

            /// Adds one worker's numbers up.
            pub(crate) fn add_to(&self, counts: &mut Counts) {
                $(counts.$name += self.$name.get();)*
                for (bucket, own) in counts.durations.buckets.iter_mut().zip(&self.durations) {
                    *bucket += own.get();
                }
            }
        }
    };
}

counts! {
    /// Attempts that began.
    attempts,
    /// Attempts that succeeded.
    succeeded,
    /// Attempts that failed.
    failed,
    /// Failed attempts that are tried again.
    retries,
    /// Messages that went to the dead-letter queue.
    dead_lettered,
    /// Messages that were given up without a dead-letter queue or on purpose.
    discarded,
    /// Messages of other event types than the subscriber's.
    filtered,
    /// Deliveries that came back because a process or connection died.
    redelivered,
}

/// A number with one writer: no locked instruction is needed to add to it.
#[derive(Debug, Default)]
struct Own(AtomicU64);

impl Own {
    #[inline]
    fn add(&self) {
        self.add_many(1);
    }

    #[inline]
    fn add_many(&self, many: u64) {
        self.0.store(self.0.load(Ordering::Relaxed) + many, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Four buckets an octave from 256 ns up to about two hours: a quantile is right to a quarter.
const BUCKETS: usize = 4 * 35;
const FIRST_OCTAVE: u32 = 8;

impl Counters {
    /// Notes that the worker was cancelled with a delivery in hand.
    pub(crate) fn unfinished(&self) {
        self.unfinished.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.unfinished.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn took(&self, duration: Duration, attempts: u64) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.durations[bucket_of(nanos)].add_many(attempts);
    }
}

#[inline]
fn bucket_of(nanos: u64) -> usize {
    if nanos < 1 << FIRST_OCTAVE {
        return 0;
    }
    let octave = nanos.ilog2();
    let quarter = (nanos >> (octave - 2)) & 3;
    // Both fit: an octave is below 64, a quarter below 4.
    (((octave - FIRST_OCTAVE) as usize) * 4 + quarter as usize).min(BUCKETS - 1)
}

fn upper_bound(bucket: usize) -> Duration {
    let octave = FIRST_OCTAVE + u32::try_from(bucket / 4).unwrap_or(u32::MAX);
    let quarter = (bucket % 4) as u64;
    Duration::from_nanos((1 << octave) + ((quarter + 1) << (octave - 2)))
}

/// Durations, counted in buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    buckets: Box<[u64; BUCKETS]>,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: Box::new([0; BUCKETS]) }
    }
}

impl Histogram {
    /// How many attempts it stands for: attempts that never wait are sampled, so it is near their number, not equal.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_quarter() {
        let counters = Counters::new();
        for micros in 1..=1_000 {
            counters.took(Duration::from_micros(micros), 1);
        }
        let mut counts = Counts::default();
        counters.add_to(&mut counts);
        for (quantile, micros) in [(0.5, 500.0), (0.99, 990.0), (1.0, 1_000.0)] {
            let found = counts.durations.quantile(quantile).as_secs_f64() * 1e6;
            assert!((micros..=micros * 1.26).contains(&found), "{quantile}: {found}");
        }
    }

    #[test]
    fn buckets_hold_what_they_say() {
        for nanos in [0, 1, 255, 256, 257, 1_000, 123_456, u64::MAX / 2] {
            let bucket = bucket_of(nanos);
            assert!(bucket == BUCKETS - 1 || Duration::from_nanos(nanos) <= upper_bound(bucket), "{nanos}");
        }
    }
}
