//! Publish-side middleware: code around everything that the service publishes.
//!
//! ```ignore
//! #[middleware(publish, order = 10)]
//! async fn sign(message: &mut Message, next: PublishNext<'_>, keys: State<Keys>) -> Result<MessageId, PublishError> {
//!     message.headers.insert("x-signature", keys.sign(&message.payload));
//!     next.run(message).await
//! }
//! ```
//!
//! It runs around publishers, named ones and events that handlers return; not around the copies that settlement makes
//! of what was consumed (retries, dead letters). It sees the message whole, with id and timestamp, before it is checked:
//! what it adds is held to the limits, and headers that belong to swit are refused.

use std::{fmt, sync::Arc};

use crate::{
    error::PublishError, id::MessageId, message::Message, outcome::Failure, scope::Scope, text::Text, topic,
    transport::BoxFuture,
};

/// Code around publications. `#[middleware(publish)]` makes one of a function; implement it for structs that hold
/// something.
///
/// It must not publish by itself: what it publishes would run through it again.
pub trait PublishMiddleware: Send + Sync + 'static {
    /// Does what comes before, hands the message on, does what comes after.
    fn publish<'a>(
        &'a self,
        message: &'a mut Message,
        next: PublishNext<'a>,
    ) -> BoxFuture<'a, Result<MessageId, PublishError>>;
}

/// What a function with `#[middleware(publish)]` returns: a `Result<MessageId, PublishError>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by publish-side middleware",
    label = "not a `Result<MessageId, PublishError>`",
    note = "return the answer of `next.run(message).await`, or refuse with `Err(PublishError::prevented(class, reason))`"
)]
pub trait PublishMiddlewareReturn {
    /// The answer.
    ///
    /// # Errors
    /// The middleware's own, or what publishing answered.
    fn answer(self) -> Result<MessageId, PublishError>;
}

impl PublishMiddlewareReturn for Result<MessageId, PublishError> {
    fn answer(self) -> Self {
        self
    }
}

/// A middleware in a chain, with the topics that it runs for.
#[derive(Clone)]
pub(crate) struct PublishLink {
    pub(crate) middleware: Arc<dyn PublishMiddleware>,
    /// Patterns; empty: every topic.
    pub(crate) topics: &'static [&'static str],
}

impl PublishLink {
    fn takes(&self, topic: &str) -> bool {
        self.topics.is_empty() || self.topics.iter().any(|pattern| topic::matches(pattern, topic))
    }
}

/// The innermost link: checks the message and hands it to the transport.
pub(crate) trait HandOver: Send + Sync {
    /// Hands a copy of the message over; the payload is shared.
    fn hand_over<'a>(&'a self, message: &'a mut Message) -> BoxFuture<'a, Result<MessageId, PublishError>>;
}

/// The rest of a chain: the middleware further inside, then the transport.
pub struct PublishNext<'a> {
    rest: &'a [PublishLink],
    last: &'a dyn HandOver,
    scope: &'a Scope,
    publisher: Option<&'a Text>,
}

impl<'a> PublishNext<'a> {
    pub(crate) fn new(
        rest: &'a [PublishLink],
        last: &'a dyn HandOver,
        scope: &'a Scope,
        publisher: Option<&'a Text>,
    ) -> Self {
        Self { rest, last, scope, publisher }
    }

    /// Runs the rest: the id once the broker has confirmed the message. Not running it publishes nothing, and the error
    /// that is returned instead is the publisher's answer.
    pub fn run(mut self, message: &'a mut Message) -> BoxFuture<'a, Result<MessageId, PublishError>> {
        while let Some((first, rest)) = self.rest.split_first() {
            self.rest = rest;
            if first.takes(&message.topic) {
                return first.middleware.publish(message, self);
            }
        }
        self.last.hand_over(message)
    }

    /// The name of the publisher, where it has one.
    pub fn publisher(&self) -> Option<&'a str> {
        self.publisher.map(Text::as_str)
    }

    /// What the whole service shares.
    pub fn scope(&self) -> &'a Scope {
        self.scope
    }
}

impl fmt::Debug for PublishNext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublishNext({} middleware and the transport)", self.rest.len())
    }
}

/// The error of middleware whose argument is not there. Called by generated code.
#[cold]
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub fn publish_failure(failure: Failure) -> PublishError {
    PublishError::prevented(failure.class(), failure.text())
}
