//! Publications: what goes into a transport.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::BoxFuture;
use crate::{error::PublishError, message::Message, text::Text};

/// Where a publication goes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// To every queue whose patterns take the message's topic.
    Topic,
    /// To this queue alone, past all bindings; it must exist.
    Queue(Text),
}

/// What a publication may do when a queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Room {
    /// Waits for room, as long as it takes: publishing outside a delivery.
    Wait,
    /// Waits at most this long, then fails with [`PublishError::Full`]: publishing under a delivery, where waiting
    /// for ever could wait for oneself.
    WaitAtMost(Duration),
    /// Takes the place of the input that it replaces and never waits: copies that settlement makes.
    Replaces,
}

/// A message on its way into a transport.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Publication {
    /// The message, with id and timestamp.
    pub message: Message,
    /// Where it goes.
    pub target: Target,
    /// Not before this long from now. May be rounded up by the transport.
    pub delay: Duration,
    /// What it may do when a queue is full.
    pub room: Room,
}

impl Publication {
    /// To the message's topic, waiting for room.
    pub fn new(message: Message) -> Self {
        Self { message, target: Target::Topic, delay: Duration::ZERO, room: Room::Wait }
    }

    /// To this target.
    pub fn to(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Not before this long from now.
    pub fn delayed(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// With this behaviour when a queue is full.
    pub fn with_room(mut self, room: Room) -> Self {
        self.room = room;
        self
    }
}

/// What the broker confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Receipt {
    /// Whether at least one queue took it. A publication to a [`Target::Queue`] that does not exist is an error instead.
    pub routed: bool,
}

impl Receipt {
    /// A confirmation.
    pub const fn new(routed: bool) -> Self {
        Self { routed }
    }
}

/// The way into a transport.
pub trait Publish: Send + Sync + fmt::Debug {
    /// Publishes; the answer comes when the broker has confirmed.
    ///
    /// What is published before a connection stands waits for it. A transport that can answer at once does, without a
    /// box. Order: publications that one task makes one after the other stand in each queue in that order.
    fn publish(&self, publication: Publication) -> Publishing;
}

/// A publication's answer, at once or later.
#[must_use = "a publication that is not awaited may not have happened"]
pub enum Publishing {
    /// The answer.
    Done(Option<Result<Receipt, PublishError>>),
    /// The answer is on its way. Dropping this takes nothing back that the broker has; what still waits for room here
    /// may be given up.
    Pending(BoxFuture<'static, Result<Receipt, PublishError>>),
}

impl Publishing {
    /// An answer that is there.
    pub const fn ready(answer: Result<Receipt, PublishError>) -> Self {
        Self::Done(Some(answer))
    }
}

impl Future for Publishing {
    type Output = Result<Receipt, PublishError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            // Polled again after it answered, which a future's contract forbids: nothing sensible is left to say.
            Self::Done(answer) => Poll::Ready(answer.take().unwrap_or(Err(PublishError::Closed))),
            Self::Pending(future) => future.as_mut().poll(cx),
        }
    }
}

impl fmt::Debug for Publishing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Done(_) => "Publishing::Done",
            Self::Pending(_) => "Publishing::Pending",
        })
    }
}
