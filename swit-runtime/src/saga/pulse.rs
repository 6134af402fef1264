//! Whether a member lived all the time, as far as others could see.
//!
//! Guarantee: of what it was given before it was silent for long, it takes nothing for its own without asking the store.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// When a member showed last that it lives, and how often it was silent for long.
#[derive(Debug)]
pub(super) struct Pulse {
    lease: Duration,
    last: Mutex<(Instant, Epoch)>,
}

/// How often a member was silent for so long that others may have taken it for dead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Epoch(u64);

impl Pulse {
    pub(super) fn new(lease: Duration) -> Self {
        Self { lease, last: Mutex::new((Instant::now(), Epoch(0))) }
    }

    fn last(&self) -> MutexGuard<'_, (Instant, Epoch)> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// It showed that it lives.
    pub(super) fn showed(&self, at: Instant) {
        let mut last = self.last();
        if at.duration_since(last.0) > self.lease / 2 {
            last.1 = Epoch(last.1.0 + 1);
        }
        last.0 = at;
    }

    pub(super) fn epoch(&self) -> Epoch {
        self.last().1
    }

    /// What was the member's then is still: nobody may have taken it over.
    pub(super) fn is_unbroken(&self, since: Epoch) -> bool {
        let (shown, epoch) = *self.last();
        since == epoch && shown.elapsed() <= self.lease / 2
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silence_breaks_it_whatever_is_shown_after() {
        let pulse = Pulse::new(Duration::from_secs(10));
        let first = pulse.epoch();
        advance(Duration::from_secs(4)).await;
        pulse.showed(Instant::now());
        advance(Duration::from_secs(4)).await;
        assert!(pulse.is_unbroken(first), "it showed in between");
        advance(Duration::from_secs(4)).await;
        assert!(!pulse.is_unbroken(first), "it is silent");
        pulse.showed(Instant::now());
        assert!(!pulse.is_unbroken(first), "others may have it");
        assert!(pulse.is_unbroken(pulse.epoch()));
    }
}
