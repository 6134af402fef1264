//! What handlers count.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::order::Order;

/// Counts what was handled, and tells the last one.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    items: AtomicU64,
    expected: u64,
}

impl Tally {
    /// Expects so many messages.
    pub(crate) fn expecting(messages: u64) -> Self {
        // Each has two items.
        Self { expected: messages * 2, ..Self::default() }
    }

    /// Counts an order. Whether it was the last one.
    pub(crate) fn count(&self, order: &Order) -> bool {
        let items = order.items.len() as u64;
        self.items.fetch_add(items, Ordering::Relaxed) + items == self.expected
    }

    /// The messages that were counted.
    pub(crate) fn messages(&self) -> u64 {
        self.items.load(Ordering::Relaxed) / 2
    }
}
