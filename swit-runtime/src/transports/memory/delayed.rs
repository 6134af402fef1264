//! Messages that are not due yet, soonest first: a long delay never holds up a short one.

use std::{collections::BTreeMap, sync::Arc};

use tokio::time::Instant;

use crate::message::Message;

/// The delayed messages of a queue.
#[derive(Debug, Default)]
pub(super) struct Delayed {
    /// By the moment they are due and, within one, by arrival.
    messages: BTreeMap<(Instant, u64), Arc<Message>>,
    arrivals: u64,
}

impl Delayed {
    pub(super) fn push(&mut self, due: Instant, message: Arc<Message>) {
        self.arrivals += 1;
        self.messages.insert((due, self.arrivals), message);
    }

    /// Takes the first message if it is due.
    pub(super) fn pop_due(&mut self, now: Instant) -> Option<Arc<Message>> {
        let first = self.messages.first_entry()?;
        (first.key().0 <= now).then(|| first.remove())
    }

    pub(super) fn next_due(&self) -> Option<Instant> {
        self.messages.first_key_value().map(|(&(due, _), _)| due)
    }
}
