//! The memory of messages that are done with, for those that come: the usual publication allocates nothing.

use std::{mem, sync::Arc};

use bytes::Bytes;

use crate::{headers::Headers, message::Message};

/// How many are kept a queue: as many as a burst between two turns of the scheduler usually holds.
const MOST_KEPT: usize = 256;

/// Emptied messages that nobody else refers to.
#[derive(Debug, Default)]
pub(super) struct Spares(Vec<Arc<Message>>);

/// A message that is done with, emptied: what it held may be large, or the last of its kind, and is dropped here, before
/// any lock is taken.
#[inline]
pub(super) fn emptied(mut message: Arc<Message>) -> Option<Arc<Message>> {
    let place = Arc::get_mut(&mut message)?;
    place.payload = Bytes::new();
    place.headers = Headers::new();
    Some(message)
}

impl Spares {
    /// Keeps an emptied message, if there is room.
    #[inline]
    pub(super) fn keep(&mut self, message: Option<Arc<Message>>) {
        if self.0.len() < MOST_KEPT {
            self.0.extend(message);
        }
    }

    /// Shares a message, in memory that was kept where there is some; an empty one is left in its place.
    #[inline]
    pub(super) fn share(&mut self, message: &mut Message) -> Arc<Message> {
        if let Some(mut spare) = self.0.pop()
            && let Some(place) = Arc::get_mut(&mut spare)
        {
            mem::swap(place, message);
            return spare;
        }
        Arc::new(mem::take(message))
    }
}
