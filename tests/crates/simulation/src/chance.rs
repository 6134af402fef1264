//! The one source of whatever might be otherwise.

use std::{
    ops::Range,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

/// A seeded generator. Who asks in the same order gets the same answers.
#[derive(Debug)]
pub(crate) struct Chance(Mutex<SmallRng>);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(SmallRng::seed_from_u64(seed)))
    }

    /// A number of this range.
    pub(crate) fn of(&self, range: Range<u64>) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).random_range(range)
    }

    /// So often in a thousand times.
    pub(crate) fn permille(&self, often: u64) -> bool {
        self.of(0..1_000) < often
    }

    /// One of these.
    pub(crate) fn pick<T: Copy>(&self, from: &[T]) -> T {
        let at = self.of(0..from.len() as u64);
        from[usize::try_from(at).unwrap_or_default()]
    }

    /// A time of this range, in milliseconds.
    pub(crate) fn millis(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.of(range))
    }
}
