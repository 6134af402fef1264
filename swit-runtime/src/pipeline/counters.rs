//! What a worker counts, in the cheapest form: a worker is the only writer of its own numbers.
//!
//! A worker that never had a message holds no histograms: they are made at its first attempt.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::policy::reasons;
use crate::{
    classify::Class,
    metrics::{AGES, Durations, Histogram, Own, SIZES, age_bucket, size_bucket},
};

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// One worker's numbers.
        #[derive(Debug)]
        pub(crate) struct Counters {
            $($name: Own,)*
            failed: [Own; Class::ALL.len()],
            dead_lettered: [Own; reasons::ALL.len()],
            /// Attempts that were left where they were: their worker was cancelled, or started again.
            left: Own,
            detailed: bool,
            measured: OnceLock<Box<Measured>>,
            /// Ended with a delivery in hand.
            unfinished: AtomicBool,
        }

        /// What a subscriber's workers counted since it started.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counts {
            $($(#[$doc])* pub $name: u64,)*
            /// Attempts that failed.
            pub failed: u64,
            /// Messages that went to the dead-letter queue.
            pub dead_lettered: u64,
            /// Attempts that run now.
            pub in_flight: u64,
            /// How often an event handler failed, where the subscriber is a composite; those of `best_effort` fail nothing else.
            pub handlers_failed: u64,
            /// Messages that its inbox knew, which were acknowledged and not handled again.
            pub duplicates: u64,
            /// How long attempts took. Those that waited for something are all in it; of those that never did, a sample, of
            /// which each stands for those since the last.
            pub durations: Histogram,
            pub(crate) failed_as: [u64; Class::ALL.len()],
            pub(crate) dead_lettered_for: [u64; reasons::ALL.len()],
            pub(crate) sizes: Tally<{ SIZES.len() + 1 }>,
            pub(crate) ages: Tally<{ AGES.len() + 1 }>,
        }

        impl Counters {
            /// Nothing yet. `detailed`: sizes and ages are counted too.
            pub(crate) fn new(detailed: bool) -> Self {
                Self {
                    $($name: Own::new(),)*
                    failed: Default::default(),
                    dead_lettered: Default::default(),
                    left: Own::new(),
                    detailed,
                    measured: OnceLock::new(),
                    unfinished: AtomicBool::new(false),
                }
            }

            $(#[inline] pub(crate) fn $name(&self) { self.$name.add(); })*

            /// Adds one worker's numbers up.
            pub(crate) fn add_to(&self, counts: &mut Counts) {
                // First, so that nothing is seen to have ended that is not seen to have begun.
                counts.in_flight += self.running();
                $(counts.$name += self.$name.get();)*
                for (sum, own) in counts.failed_as.iter_mut().zip(&self.failed) {
                    *sum += own.get();
                    counts.failed += own.get();
                }
                for (sum, own) in counts.dead_lettered_for.iter_mut().zip(&self.dead_lettered) {
                    *sum += own.get();
                    counts.dead_lettered += own.get();
                }
                if let Some(measured) = self.measured.get() {
                    measured.durations.add_to(&mut counts.durations);
                    counts.sizes.add(&measured.sizes, &measured.bytes);
                    counts.ages.add(&measured.ages, &measured.millis);
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
    /// Attempts that ended with their message given up on purpose.
    waived,
    /// Failed attempts that are tried again.
    retries,
    /// Messages that were given up without a dead-letter queue or on purpose.
    discarded,
    /// Messages of other event types than the subscriber's.
    filtered,
    /// Deliveries that came back because a process or connection died.
    redelivered,
}

impl Counts {
    /// Adds what several subscribers of one topic are counted together by.
    #[cfg(feature = "prometheus")]
    pub(crate) fn add_shared(&mut self, other: &Self) {
        for (sum, more) in self.failed_as.iter_mut().zip(other.failed_as) {
            *sum += more;
        }
        for (sum, more) in self.dead_lettered_for.iter_mut().zip(other.dead_lettered_for) {
            *sum += more;
        }
        self.sizes.add_tally(&other.sizes);
        self.ages.add_tally(&other.ages);
    }

    /// Attempts that failed with an error of this class.
    pub fn failed_as(&self, class: Class) -> u64 {
        self.failed_as[class as usize]
    }

    /// Messages that went to the dead-letter queue, by the reason: those of swit, and `custom` for all others.
    pub fn dead_lettered_for(&self) -> impl Iterator<Item = (&'static str, u64)> {
        reasons::ALL.into_iter().zip(self.dead_lettered_for)
    }
}

/// What takes more room than a number.
#[derive(Debug)]
struct Measured {
    durations: Durations,
    sizes: [Own; SIZES.len() + 1],
    bytes: Own,
    ages: [Own; AGES.len() + 1],
    millis: Own,
}

/// Numbers by bucket, and the sum of all values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally<const N: usize> {
    pub(crate) buckets: [u64; N],
    pub(crate) sum: u64,
}

impl<const N: usize> Default for Tally<N> {
    fn default() -> Self {
        Self { buckets: [0; N], sum: 0 }
    }
}

impl<const N: usize> Tally<N> {
    #[cfg(feature = "prometheus")]
    fn add_tally(&mut self, other: &Self) {
        for (sum, more) in self.buckets.iter_mut().zip(other.buckets) {
            *sum += more;
        }
        self.sum = self.sum.wrapping_add(other.sum);
    }

    fn add(&mut self, buckets: &[Own; N], sum: &Own) {
        for (bucket, own) in self.buckets.iter_mut().zip(buckets) {
            *bucket += own.get();
        }
        self.sum = self.sum.wrapping_add(sum.get());
    }
}

impl Counters {
    fn measured(&self) -> &Measured {
        self.measured.get_or_init(|| {
            Box::new(Measured {
                durations: Durations::new(),
                sizes: Default::default(),
                bytes: Own::new(),
                ages: Default::default(),
                millis: Own::new(),
            })
        })
    }

    /// An attempt failed with an error of this class.
    pub(crate) fn failed(&self, class: Class) {
        self.failed[class as usize].add();
    }

    /// A message went to the dead-letter queue.
    pub(crate) fn dead_lettered(&self, reason: &str) {
        self.dead_lettered[reasons::index(reason)].add();
    }

    /// Notes that the worker was cancelled with a delivery in hand.
    pub(crate) fn unfinished(&self) {
        self.unfinished.store(true, Ordering::Relaxed);
    }

    /// Whether it was.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.unfinished.load(Ordering::Relaxed)
    }

    /// Attempts that began and did not end.
    fn running(&self) -> u64 {
        // First: what begins while it is counted is not taken for what runs.
        let begun = self.attempts.get();
        let failed: u64 = self.failed.iter().map(Own::get).sum();
        let ended = self.succeeded.get() + failed + self.waived.get() + self.left.get();
        begun.saturating_sub(ended)
    }

    /// The worker is gone, and what it had begun with it.
    pub(crate) fn leave(&self) {
        self.left.add_many(self.running());
    }

    /// An attempt took this long; it stands for so many.
    #[inline]
    pub(crate) fn took(&self, duration: Duration, attempts: u64) {
        self.measured().durations.add(duration, attempts);
    }

    /// Whether sizes and ages are counted.
    #[inline]
    pub(crate) fn is_detailed(&self) -> bool {
        self.detailed
    }

    /// An attempt is made at a payload of so many bytes.
    #[inline]
    pub(crate) fn sized(&self, bytes: usize) {
        if self.detailed {
            let measured = self.measured();
            measured.sizes[size_bucket(bytes)].add();
            measured.bytes.add_many(bytes as u64);
        }
    }

    /// A message was this old when an attempt at it began; it stands for so many.
    #[inline]
    pub(crate) fn aged(&self, age: Duration, attempts: u64) {
        let measured = self.measured();
        measured.ages[age_bucket(age)].add_many(attempts);
        let millis = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
        measured.millis.add_many(millis.saturating_mul(attempts));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_up_and_told_apart() {
        let counters = Counters::new(true);
        for _ in 0..5 {
            counters.attempts();
        }
        counters.succeeded();
        counters.failed(Class::Throttle);
        counters.waived();
        counters.dead_lettered("permanent");
        counters.dead_lettered("somebody's own");
        counters.sized(65);
        counters.aged(Duration::from_millis(7), 8);
        let mut counts = Counts::default();
        counters.add_to(&mut counts);
        assert_eq!((counts.failed, counts.failed_as(Class::Throttle), counts.failed_as(Class::Permanent)), (1, 1, 0));
        let reasons: Vec<_> = counts.dead_lettered_for().filter(|(_, many)| *many > 0).collect();
        assert_eq!((counts.dead_lettered, reasons), (2, vec![("permanent", 1), ("custom", 1)]));
        assert_eq!((counts.in_flight, counts.sizes.buckets[1], counts.sizes.sum), (2, 1, 65));
        assert_eq!((counts.ages.buckets[2], counts.ages.sum), (8, 56));
        counters.leave();
        let mut counts = Counts::default();
        counters.add_to(&mut counts);
        assert_eq!(counts.in_flight, 0);
    }
}
