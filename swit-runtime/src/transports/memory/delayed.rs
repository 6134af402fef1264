//! Messages that are not due yet, soonest first: a long delay never holds up a short one.

use std::{collections::BTreeMap, mem};

use tokio::time::Instant;

use crate::message::Message;

/// The delayed messages of a queue.
#[derive(Debug, Default)]
pub(super) struct Delayed {
    /// By the moment they are due and, within one, by arrival.
    messages: BTreeMap<(Instant, u64), Message>,
    arrivals: u64,
}

impl Delayed {
    pub(super) fn push(&mut self, due: Instant, message: &mut Message) {
        self.arrivals += 1;
        self.messages.insert((due, self.arrivals), mem::take(message));
    }

    /// Takes the first message if it is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Message> {
        let first = self.messages.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.messages.first_key_value().map(|(&(due, _), _)| due)
    }
}
