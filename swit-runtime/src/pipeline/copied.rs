//! What is counted of the copies that settlement puts in the place of a delivery. Each waits for its broker: what a shared
//! counter costs is not seen beside that.

use std::sync::atomic::{AtomicU64, Ordering};

/// What a copy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Copied {
    /// The next attempt, which waits in the transport.
    Retry,
    /// A dead letter.
    DeadLetter,
}

/// How often copies of one subscriber's messages were published, and could not be.
#[derive(Debug, Default)]
pub(crate) struct Copies {
    confirmed: [AtomicU64; 2],
    failed: [AtomicU64; 2],
}

impl Copied {
    #[cfg(feature = "prometheus")]
    pub(crate) const ALL: [Self; 2] = [Self::Retry, Self::DeadLetter];

    #[cfg(feature = "prometheus")]
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::DeadLetter => "dead_letter",
        }
    }
}

impl Copies {
    /// A copy was confirmed.
    pub(super) fn confirmed(&self, what: Copied) {
        self.confirmed[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// One try to publish a copy failed; there will be another.
    pub(super) fn failed(&self, what: Copied) {
        self.failed[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many were confirmed, and how many tries failed.
    #[cfg(feature = "prometheus")]
    pub(crate) fn counts(&self, what: Copied) -> [u64; 2] {
        [&self.confirmed, &self.failed].map(|of| of[what as usize].load(Ordering::Relaxed))
    }
}
