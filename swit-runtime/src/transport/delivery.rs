//! One message handed out, and the verdict on it.
//!
//! Guarantee: a delivery is settled exactly once. Settling consumes it, so twice does not compile; dropping it
//! unsettled (a cancelled worker, a panic) gives it back.

use std::{fmt, ptr, sync::Arc};

use crate::message::Message;

/// What is to become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Done with: the queue forgets it.
    Ack,
    /// Back into the queue, at its old place. This is not a redelivery that counts against the message.
    Requeue,
    /// To the queue's own dead-letter queue, or forgotten where it has none.
    Reject,
}

/// What a transport does with a verdict.
///
/// Called from any thread, also from destructors: it must not block, wait for the network or panic. The message comes
/// back with its verdict, so that a transport in this process needs no second copy of what is out, and can use its
/// memory again.
pub trait Settle: Send + Sync {
    /// Takes the verdict on the delivery with this tag of this generation.
    fn settle(&self, tag: u64, generation: u32, verdict: Verdict, message: Arc<Message>);

    /// Takes back a delivery that was dropped without a verdict: it is delivered again, and that counts.
    fn give_back(&self, tag: u64, generation: u32, message: Arc<Message>);

    /// Whether a verdict on the delivery with this tag of this generation still reaches the broker. If not, its message is
    /// delivered again whatever becomes of it here.
    fn is_current(&self, tag: u64, generation: u32) -> bool {
        let _ = (tag, generation);
        true
    }
}

/// A message that was handed out and waits for its verdict.
#[must_use = "a delivery that is dropped is delivered again"]
pub struct Delivery {
    message: Option<Arc<Message>>,
    /// How often it came back because a process or connection died; 0 at first.
    pub redeliveries: u32,
    sink: Option<Arc<dyn Settle>>,
    tag: u64,
    generation: u32,
}

/// What a delivery is made of: sink, tag and message.
pub(crate) type Parts = (Arc<dyn Settle>, u64, Arc<Message>);

impl Delivery {
    /// A delivery whose verdict goes to `sink`. `tag` and `generation` mean something to the transport alone.
    #[inline]
    pub fn new(
        message: impl Into<Arc<Message>>,
        redeliveries: u32,
        sink: Arc<dyn Settle>,
        tag: u64,
        generation: u32,
    ) -> Self {
        Self { message: Some(message.into()), redeliveries, sink: Some(sink), tag, generation }
    }

    /// The message.
    #[inline]
    pub fn message(&self) -> &Message {
        static GONE: Message = Message::EMPTY;
        self.message.as_deref().unwrap_or(&GONE)
    }

    /// Tells the transport the verdict.
    #[inline]
    pub fn settle(mut self, verdict: Verdict) {
        if let (Some(sink), Some(message)) = (self.sink.take(), self.message.take()) {
            sink.settle(self.tag, self.generation, verdict, message);
        }
    }

    /// Whether its verdict still reaches the broker: see [`Settle::is_current`].
    pub fn is_current(&self) -> bool {
        self.sink.as_ref().is_none_or(|sink| sink.is_current(self.tag, self.generation))
    }

    /// The generation that it was made with.
    #[inline]
    #[cfg_attr(
        not(feature = "rabbitmq"),
        expect(dead_code, reason = "only transports to brokers settle by generation")
    )]
    pub(crate) fn generation(&self) -> u32 {
        self.generation
    }

    /// Takes a delivery of this very sink apart: sink, tag and message, for the next delivery to be made of.
    ///
    /// # Errors
    /// It is another sink's, or settled already; it comes back whole.
    #[inline]
    pub(crate) fn take_apart<S>(mut self, own: &Arc<S>) -> Result<Parts, Self> {
        let is_own = self.sink.as_ref().is_some_and(|sink| ptr::addr_eq(Arc::as_ptr(sink), Arc::as_ptr(own)));
        if !is_own {
            return Err(self);
        }
        match (self.sink.take(), self.message.take()) {
            (Some(sink), Some(message)) => Ok((sink, self.tag, message)),
            _ => Err(self),
        }
    }

    /// No delivery: an empty message that is settled already.
    #[inline]
    pub(crate) fn empty() -> Self {
        Self { message: None, redeliveries: 0, sink: None, tag: 0, generation: 0 }
    }

    /// A message that nobody waits for a verdict on.
    pub(crate) fn unsettled(message: Arc<Message>) -> Self {
        Self { message: Some(message), redeliveries: 0, sink: None, tag: 0, generation: 0 }
    }

    /// The message, to be changed for whoever handles it next in this process; others that share it see what they saw.
    pub(crate) fn message_mut(&mut self) -> Option<&mut Message> {
        self.message.as_mut().map(Arc::make_mut)
    }

    /// What is seen of it without the right to settle.
    pub(crate) fn view(&self) -> Self {
        Self {
            message: self.message.clone(),
            redeliveries: self.redeliveries,
            sink: None,
            tag: self.tag,
            generation: self.generation,
        }
    }

    /// Splits the right to settle from the message: what is left here is settled already.
    pub(crate) fn split(&mut self) -> Self {
        Self {
            message: self.message.clone(),
            redeliveries: self.redeliveries,
            sink: self.sink.take(),
            tag: self.tag,
            generation: self.generation,
        }
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        if let (Some(sink), Some(message)) = (self.sink.take(), self.message.take()) {
            sink.give_back(self.tag, self.generation, message);
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery")
            .field("message", self.message())
            .field("redeliveries", &self.redeliveries)
            .field("settled", &self.sink.is_none())
            .finish_non_exhaustive()
    }
}
