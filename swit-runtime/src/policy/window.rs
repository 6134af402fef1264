//! How many attempts ended in the last while, and how many of them failed: to a tenth of the while.

use std::time::Duration;

/// Parts of a window; what is older than all but one of them is forgotten together.
const PARTS: u32 = 10;

/// Attempts of the last while.
#[derive(Debug)]
pub(super) struct Window {
    /// How long a part is, in nanoseconds.
    part: u64,
    parts: [Part; PARTS as usize],
}

#[derive(Debug, Clone, Copy, Default)]
struct Part {
    /// Which part of time it stands for, counted from the beginning of time.
    number: u64,
    attempts: u32,
    failures: u32,
}

impl Window {
    pub(super) fn new(width: Duration) -> Self {
        Self { part: nanos(width / PARTS).max(1), parts: [Part::default(); PARTS as usize] }
    }

    /// Notes attempts that ended at this time, and how many of them failed. Time never goes back.
    pub(super) fn note(&mut self, at: Duration, attempts: u32, failures: u32) {
        let number = self.number(at);
        // Below the number of parts, so it fits.
        let part = &mut self.parts[usize::try_from(number % u64::from(PARTS)).unwrap_or_default()];
        if part.number != number {
            *part = Part { number, ..Part::default() };
        }
        part.attempts = part.attempts.saturating_add(attempts);
        part.failures = part.failures.saturating_add(failures);
    }

    /// Attempts and failures of the while that ends at this time.
    pub(super) fn counts(&self, at: Duration) -> (u32, u32) {
        let first = self.number(at).saturating_sub(u64::from(PARTS) - 1);
        let within = self.parts.iter().filter(|part| part.number >= first);
        within.fold((0, 0), |(attempts, failures), part| {
            (attempts.saturating_add(part.attempts), failures.saturating_add(part.failures))
        })
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        self.parts = [Part::default(); PARTS as usize];
    }

    /// Parts are counted from 1, so that what is empty stands for a time that never was.
    fn number(&self, at: Duration) -> u64 {
        nanos(at) / self.part + 1
    }
}

/// Nanoseconds, without the detour over 128 bits: it is done for each message. Enough for five hundred years.
#[inline]
pub(super) fn nanos(time: Duration) -> u64 {
    time.as_secs().saturating_mul(1_000_000_000).saturating_add(u64::from(time.subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Everything of the last nine tenths counts, nothing that is older than the whole.
        #[test]
        fn it_is_right_to_a_tenth(steps in prop::collection::vec((0u64..4_000, any::<bool>()), 1..200)) {
            let mut window = Window::new(Duration::from_secs(10));
            let mut noted: Vec<(u64, bool)> = Vec::new();
            let mut now = 0;
            for (step, failed) in steps {
                now += step;
                window.note(Duration::from_millis(now), 1, u32::from(failed));
                noted.push((now, failed));
                let (attempts, failures) = window.counts(Duration::from_millis(now));
                let within = |age: u64| noted.iter().filter(move |(at, _)| now - at <= age);
                let failed = |age| within(age).filter(|(_, failed)| *failed).count();
                prop_assert!((within(9_000).count()..=within(10_000).count()).contains(&(attempts as usize)));
                prop_assert!((failed(9_000)..=failed(10_000)).contains(&(failures as usize)));
            }
            window.clear();
            prop_assert_eq!(window.counts(Duration::from_millis(now)), (0, 0));
        }
    }
}
