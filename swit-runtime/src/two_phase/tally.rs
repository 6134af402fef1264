//! How the transactions of a coordinator ended, counted.

use std::sync::atomic::{AtomicU64, Ordering};

use super::error::{TransactionError, TransactionState};
use crate::store::Tallied;

/// How a transaction can end, as it is counted.
const OUTCOMES: [&str; 5] = ["committed", "rolled_back", "failed", "in_doubt", "interrupted"];
/// The one that nobody waited for.
const INTERRUPTED: usize = 4;

/// What is counted of one coordinator.
#[derive(Default)]
pub(super) struct Tally {
    ended: [AtomicU64; OUTCOMES.len()],
    in_doubt: AtomicU64,
}

impl Tally {
    /// A transaction begins. Dropped before its end is noted, it was interrupted.
    pub(super) fn begin(&self) -> Underway<'_> {
        Underway { tally: self, ended: INTERRUPTED }
    }

    /// A look at the log found so many that are not over, and should be.
    pub(super) fn found(&self, in_doubt: u64) {
        self.in_doubt.store(in_doubt, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Tallied {
        let ended = std::array::from_fn(|at| (OUTCOMES[at], self.ended[at].load(Ordering::Relaxed)));
        Tallied { ended, in_doubt: self.in_doubt.load(Ordering::Relaxed) }
    }
}

/// A transaction that is counted when this is dropped.
pub(super) struct Underway<'a> {
    tally: &'a Tally,
    ended: usize,
}

impl Underway<'_> {
    /// It ended like this.
    pub(super) fn ended<T>(mut self, outcome: &Result<T, TransactionError>) {
        self.ended = match outcome.as_ref().map_err(TransactionError::state) {
            Ok(_) => 0,
            Err(TransactionState::Failed) => 2,
            Err(TransactionState::InDoubt) => 3,
            Err(_) => 1,
        };
        if self.ended > 1 {
            // Until the next look at the log says it better.
            self.tally.in_doubt.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.tally.ended[self.ended].fetch_add(1, Ordering::Relaxed);
    }
}
