//! Publishing from handlers, middleware, providers and `main`.
//!
//! Guarantee: `publish` returns `Ok` only when the broker has confirmed the message.

mod gate;
mod send;

use std::{sync::Arc, time::Duration};

pub(crate) use send::publish_message;
pub use send::{Confirmation, Sending};

use crate::{
    context::{Context, Link},
    error::PublishError,
    event::{Event, Unrouted},
    extract::{FromDelivery, FromScope, Requirements},
    id::MessageId,
    message::Message,
    outcome::Failure,
    scope::Scope,
    text::Text,
    transport::{Publish, Room},
};

/// How long a publish under a delivery waits for room and for its confirmation.
pub const CONFIRM_TIMEOUT: Duration = Duration::from_secs(5);

/// Publishes events and messages to the transport `default`, or to the one it was made for.
///
/// Taken as an argument of a handler, what it publishes carries the input's correlation and derived ids, so that a
/// retried handler publishes the same ids again. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Publisher {
    port: Arc<dyn Publish>,
    scope: ScopeParts,
    link: Option<Link>,
}

#[derive(Debug, Clone)]
struct ScopeParts {
    clock: crate::clock::Clock,
    limits: crate::limits::Limits,
}

impl Publisher {
    /// A publisher to the transport of this name.
    ///
    /// # Errors
    /// [`PublishError::NoTransport`].
    pub fn of(scope: &Scope, transport: &str) -> Result<Self, PublishError> {
        let port = scope.publisher(transport).cloned();
        let mut port = port.ok_or_else(|| PublishError::NoTransport { name: Text::from(transport) })?;
        if !scope.opened().is_cancelled() {
            port = Arc::new(gate::Gate { port, opened: scope.opened().clone() });
        }
        Ok(Self { port, scope: ScopeParts { clock: scope.clock().clone(), limits: *scope.limits() }, link: None })
    }

    /// Publishes an event to its topic. Awaited, it gives the message's id once the broker has confirmed it.
    ///
    /// The publication starts at once, so that several can be on their way together. Cancel-safe in that the message is
    /// published or not, but whoever cancels does not learn which.
    ///
    /// # Errors
    /// Everything of [`PublishError`]; [`PublishError::Unrouted`] only where the event says `unrouted = "error"`.
    pub fn publish<E: Event>(&self, event: &E) -> Confirmation {
        match event.encode() {
            Ok(message) => self.start(message, Duration::ZERO, event.descriptor().unrouted),
            Err(error) => Confirmation::refused(error.into()),
        }
    }

    /// Publishes a message to a computed topic; else as [`publish`](Self::publish).
    ///
    /// # Errors
    /// As [`publish`](Self::publish), and [`PublishError::Topic`] for a topic that is none.
    pub fn publish_to(&self, topic: impl Into<Text>, mut message: Message) -> Confirmation {
        message.topic = topic.into();
        self.start(message, Duration::ZERO, Unrouted::Warn)
    }

    /// Publishes an event with a key, headers, a delay, a time to live or a priority of its own.
    ///
    /// ```ignore
    /// publisher.publish_with(&reminder).delay(Duration::from_secs(60)).header("x-tenant", "a").send().await?;
    /// ```
    pub fn publish_with<'a, E: Event>(&'a self, event: &E) -> Sending<'a> {
        Sending::new(self, event.encode().map_err(Into::into), event.descriptor().unrouted)
    }

    /// Publishes many events, all of them on their way at once. Answers in their order.
    pub async fn publish_all<'a, E: Event>(
        &self,
        events: impl IntoIterator<Item = &'a E>,
    ) -> Vec<Result<MessageId, PublishError>> {
        let started: Vec<_> = events.into_iter().map(|event| self.publish(event)).collect();
        let mut answers = Vec::with_capacity(started.len());
        for confirmation in started {
            answers.push(confirmation.await);
        }
        answers
    }

    #[inline]
    fn start(&self, mut message: Message, delay: Duration, unrouted: Unrouted) -> Confirmation {
        let room = match &self.link {
            Some(link) => {
                link.stamp(&mut message);
                Room::WaitAtMost(CONFIRM_TIMEOUT)
            }
            None => Room::Wait,
        };
        publish_message(&*self.port, &self.scope.clock, &self.scope.limits, message, delay, room, unrouted)
    }
}

impl FromScope for Publisher {
    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        Self::of(scope, "default").map_err(|error| Failure::classified(crate::outcome::FailureKind::Extract, error))
    }
}

impl FromDelivery for Publisher {
    type Rejection = Failure;

    fn requires(requirements: &mut Requirements) {
        <Self as FromScope>::requires(requirements);
    }

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        let mut publisher = Self::from_scope(cx.scope())?;
        publisher.link = Some(cx.share_link());
        Ok(publisher)
    }
}
