//! The port to whoever traces: what the engine says of attempts, settlements and publications, and what it asks.
//!
//! A service that isn't traced has no `Trace`, which is all that the data path looks at; it only hands on what came with
//! a delivery (`forward`), so that traces of others go through it unbroken.

#![cfg_attr(not(feature = "traces"), expect(dead_code, reason = "nobody traces"))]

mod forward;
mod ids;

use std::{any::Any, fmt, sync::Arc, task::Poll};

pub(crate) use forward::{Carried, carried, forward};
pub use ids::Ids;

use crate::{
    context::Receiver, error::PublishError, headers::Headers, id::MessageId, message::Message, outcome::Failure,
    text::Text,
};

/// The trace that an attempt is part of, and its place in it.
#[derive(Clone)]
pub struct Flow {
    ids: Ids,
    /// What the tracer keeps of it; nothing where it is not recorded and carries nothing but its ids.
    kept: Option<Arc<dyn Any + Send + Sync>>,
}

impl Flow {
    /// Not recorded: ids alone.
    pub(crate) fn plain(ids: Ids) -> Self {
        Self { ids, kept: None }
    }

    /// With what the tracer keeps of it.
    pub(crate) fn keeping(ids: Ids, kept: Arc<dyn Any + Send + Sync>) -> Self {
        Self { ids, kept: Some(kept) }
    }

    /// The ids: of the attempt's span, or, where that is not recorded, of the span above it.
    pub fn ids(&self) -> Ids {
        self.ids
    }

    /// What the tracer keeps of it.
    pub(crate) fn kept<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.kept.as_ref()?.downcast_ref()
    }
}

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("ids", &self.ids).field("kept", &self.kept.is_some()).finish()
    }
}

/// What ended an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) enum AttemptEnd<'a> {
    Well,
    /// Given up on purpose, for this reason.
    Discarded(&'a Text),
    Failed(&'a Failure),
    /// Refused before the handler, for this reason.
    Refused {
        reason: &'a Text,
        failure: &'a Failure,
    },
    /// It did not come to its end: another failed, or its worker was stopped.
    Cancelled,
}

/// How a message is settled, other than by acknowledging what was handled.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Settling<'a> {
    /// By a copy that comes back.
    Retry,
    /// By a copy in the dead-letter queue, for this reason.
    DeadLetter(&'a Text),
    /// It is given up, for this reason.
    Discard(&'a Text),
}

impl<'a> Settling<'a> {
    /// As spans name it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::DeadLetter(_) => "dead_letter",
            Self::Discard(_) => "discard",
        }
    }

    pub(crate) fn reason(self) -> Option<&'a Text> {
        match self {
            Self::Retry => None,
            Self::DeadLetter(reason) | Self::Discard(reason) => Some(reason),
        }
    }
}

/// Whoever traces. What it does not record costs it no allocation but that of the header that goes out.
pub(crate) trait Trace: Send + Sync + fmt::Debug {
    /// An attempt at a message begins.
    fn process(&self, receiver: &Receiver, message: &Message, attempt: u32) -> Flow;

    /// An attempt at a batch of them.
    fn process_batch(&self, receiver: &Receiver, messages: &mut dyn Iterator<Item = &Message>) -> Flow;

    /// The trace that attempts at a message are in. `None`: it came without one, and has no id that one could follow from.
    fn trace_of(&self, message: &Message) -> Option<Ids>;

    /// Polls what belongs to the attempt, so that spans of the handler's own become its children.
    fn within(&self, flow: &Flow, poll: &mut dyn FnMut());

    /// An event handler of a composite begins, as part of the attempt. `None`: it isn't recorded.
    fn handle(&self, flow: &Flow, receiver: &Receiver, handler: &'static str) -> Option<Flow>;

    /// The attempt is over, or the event handler's part of it. Said twice, the first stands.
    fn processed(&self, flow: &Flow, ended: AttemptEnd<'_>);

    /// A message is settled other than by acknowledging what was handled. `None`: it isn't recorded.
    fn settle(
        &self,
        flow: &Flow,
        receiver: &Receiver,
        message: &Message,
        how: Settling<'_>,
    ) -> Option<Box<dyn Pending>>;

    /// A message is published: writes into its headers whatever the one that takes it has to know. `None`: it isn't
    /// recorded.
    fn send(&self, message: &mut Message, transport: &str, under: Under<'_>) -> Option<Box<dyn Pending>>;
}

/// What a publication happens under.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Under<'a> {
    /// The attempt.
    pub(crate) flow: Option<&'a Flow>,
    /// The headers of the message, where they say something of a trace.
    pub(crate) carried: Option<&'a Headers>,
    /// One message of several that are attempted together: it goes on in its own trace, not in theirs.
    pub(crate) own: bool,
}

/// A span that has begun. Dropped, it ends without having been answered.
pub(crate) trait Pending: Send + Sync {
    /// It is answered.
    fn end(self: Box<Self>, answer: Result<&MessageId, &PublishError>);
}

impl fmt::Debug for dyn Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pending")
    }
}

/// Ends a span, if there is one.
#[inline]
pub(crate) fn answer(pending: Option<Box<dyn Pending>>, answer: &Result<MessageId, PublishError>) {
    if let Some(pending) = pending {
        pending.end(answer.as_ref());
    }
}

/// Polls within an attempt's flow, where there is one.
#[inline]
pub(crate) fn within<T>(traced: Option<(&dyn Trace, &Flow)>, mut poll: impl FnMut() -> Poll<T>) -> Poll<T> {
    let Some((spans, flow)) = traced else { return poll() };
    let mut polled = Poll::Pending;
    spans.within(flow, &mut || polled = poll());
    polled
}
