//! The memory of messages that are done with, for those that come: the usual publication allocates nothing.

use std::sync::Arc;

use crate::message::Message;

/// How many are kept a queue: as many as a burst between two turns of the scheduler usually holds.
const MOST_KEPT: usize = 256;

/// Emptied messages that nobody else refers to.
#[derive(Debug, Default)]
pub(super) struct Spares(Vec<Arc<Message>>);

impl Spares {
    /// Keeps one, which nobody else refers to, if there is room.
    #[inline]
    pub(super) fn keep(&mut self, message: Arc<Message>) {
        if self.0.len() < MOST_KEPT {
            self.0.push(message);
        }
    }

    /// Shares a message, in memory that was kept where there is some.
    #[inline]
    pub(super) fn share(&mut self, message: Message) -> Arc<Message> {
        let Some(mut spare) = self.0.pop() else { return Arc::new(message) };
        match Arc::get_mut(&mut spare) {
            Some(place) => *place = message,
            None => return Arc::new(message),
        }
        spare
    }
}
