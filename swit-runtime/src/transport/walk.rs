//! Walking over what lies in a queue: looking at each message once, taking some out, leaving the others as they were.

use std::time::SystemTime;

use super::BoxFuture;
use crate::{error::TransportError, message::Message, text::Text};

/// Walks over queues, where a transport can: what `dlq` is made of.
pub trait Walker: Send + Sync {
    /// Begins at the first message of a queue; `None` if there is no such queue.
    ///
    /// Whoever consumes the queue meanwhile gets its share: what is handed out here is not handed out there.
    fn walk<'a>(&'a self, queue: &'a str) -> BoxFuture<'a, Result<Option<Box<dyn Walk>>, TransportError>>;
}

/// One walk over one queue, first to last.
///
/// Dropping it leaves all that it did not take in the queue, but says nothing of whether the broker has heard of
/// everything that was taken, and may change the order; [`finish`](Self::finish) does neither.
pub trait Walk: Send {
    /// How many messages lay ready when it began. It goes no further, whatever is added meanwhile: so it ends.
    fn len(&self) -> u64;

    /// Whether nothing lay there.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next message, which nobody else gets before the walk is over; `None` after the last.
    ///
    /// Memory is bounded, however long the queue: besides what the caller keeps, the walk keeps a batch of messages, and
    /// numbers.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Lying>, TransportError>>;

    /// Takes a message out of the queue, for good. Takes effect at the latest when the walk is finished; a crash before
    /// may leave it where it was, and never takes another one.
    fn take<'a>(&'a mut self, place: &'a Place) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Puts all that was not taken back, in its old order and before what came later, and waits until the broker has
    /// heard of everything.
    ///
    /// # Errors
    /// The connection was lost: what was taken last may lie in the queue again.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<(), TransportError>>;
}

/// A message that lies in a queue.
#[derive(Debug)]
#[non_exhaustive]
pub struct Lying {
    /// The message.
    pub message: Message,
    /// How often it was handed out before, as the broker counts: walks count too, where a broker can't look otherwise.
    pub handed_out: u32,
    /// What the broker itself says of how it came here, where it was the broker that moved it.
    pub death: Option<Death>,
    /// Where it lies.
    pub place: Place,
}

impl Lying {
    /// A message at its place.
    pub fn new(message: Message, handed_out: u32, death: Option<Death>, place: Place) -> Self {
        Self { message, handed_out, death, place }
    }
}

/// The place of a message within one walk. It means something to the walk alone.
#[derive(Debug, PartialEq, Eq)]
pub struct Place(pub(crate) u64);

/// Why and from where a broker moved a message: its latest death.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Death {
    /// The broker's word: `delivery_limit`, `rejected`, `expired`, `maxlen`.
    pub reason: Text,
    /// The queue that it died in.
    pub queue: Text,
    /// When.
    pub time: Option<SystemTime>,
}

impl Death {
    /// A death in this queue.
    pub fn new(reason: impl Into<Text>, queue: impl Into<Text>, time: Option<SystemTime>) -> Self {
        Self { reason: reason.into(), queue: queue.into(), time }
    }
}
