//! Consume-side middleware: code around every handler, or around some.
//!
//! ```ignore
//! #[middleware(order = 10)]
//! async fn audit(cx: &mut Context, next: Next<'_>) -> Outcome {
//!     let id = cx.message().id.clone();
//!     let outcome = next.run(cx).await;
//!     tracing::debug!(%id, success = outcome.is_success(), "handled");
//!     outcome
//! }
//! ```
//!
//! It runs inside the timeout and the panic guard of its attempt and outside decoding: it sees the message as bytes,
//! and it sees a payload that can't be decoded as the failure it is.

use std::{fmt, sync::Arc};

use crate::{
    context::{Context, Receiver},
    message::Message,
    outcome::Outcome,
    transport::BoxFuture,
};

/// Code around handlers. `#[middleware]` makes one of a function; implement it for structs that hold something.
pub trait Middleware: Send + Sync + 'static {
    /// Does what comes before, runs the rest, does what comes after.
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome>;

    /// How it is told of the messages of a batch, where it does nothing but watch; what does more can't stand around a
    /// subscriber that takes its messages in batches.
    #[doc(hidden)]
    fn watch(&self) -> Option<&dyn Watch> {
        None
    }
}

/// Whoever only watches what becomes of messages.
#[doc(hidden)]
pub trait Watch {
    /// An attempt ended like this.
    fn attempted(&self, receiver: &Receiver, message: &Message, attempt: u32, outcome: &Outcome);
}

/// What a function with `#[middleware]` returns: an [`Outcome`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by middleware",
    label = "not an `Outcome`",
    note = "return the `Outcome` of `next.run(cx).await`, or one of your own: `Outcome::fail(error)`, `Outcome::discard(reason)`"
)]
pub trait MiddlewareReturn {
    /// The outcome.
    fn outcome(self) -> Outcome;
}

impl MiddlewareReturn for Outcome {
    fn outcome(self) -> Outcome {
        self
    }
}

/// The rest of a chain: the middleware further inside, then the handler.
pub struct Next<'a> {
    rest: &'a [Arc<dyn Middleware>],
    last: Last,
}

/// The innermost link: decode and handle, boxed.
pub(crate) type Last = for<'b> fn(&'b mut Context) -> BoxFuture<'b, Outcome>;

impl<'a> Next<'a> {
    pub(crate) const fn new(rest: &'a [Arc<dyn Middleware>], last: Last) -> Self {
        Self { rest, last }
    }

    /// Runs the rest. Not running it is a decision about the message too: the outcome that is returned instead counts.
    pub fn run(self, cx: &'a mut Context) -> BoxFuture<'a, Outcome> {
        match self.rest.split_first() {
            Some((first, rest)) => first.handle(cx, Self { rest, last: self.last }),
            None => (self.last)(cx),
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Next({} middleware and the handler)", self.rest.len())
    }
}
