//! [`ErrorHandler`]: what an app puts in place of the failure policy.
//!
//! Guarantee: whatever it answers, the budget of attempts holds. One that panics, or takes longer than the subscriber's
//! timeout, leaves the attempt to the policy.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    context::Receiver,
    message::Message,
    outcome::{ErrorAction, Failure},
    text::Text,
    transport::BoxFuture,
};

/// What is to become of a failed attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// It is tried again.
    Retry {
        /// After this wait, with its jitter.
        wait: Duration,
    },
    /// It goes to the dead-letter queue; where there is none, it is discarded.
    DeadLetter {
        /// Why.
        reason: Text,
    },
    /// It is acknowledged, logged and counted.
    Discard {
        /// Why.
        reason: Text,
    },
}

/// A failed attempt, as an [`ErrorHandler`] sees it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FailedAttempt<'a> {
    /// The message.
    pub message: &'a Message,
    /// Who handled it: subscriber, group, queue, timeout.
    pub receiver: &'a Receiver,
    /// Which attempt failed, counted from 1.
    pub attempt: u32,
    /// Where the failure comes from, its error, its class, and what `on_error` asked for.
    pub failure: &'a Failure,
    /// What the policy would do.
    pub planned: &'a Decision,
}

/// Decides on every failed attempt of every subscriber whose deliveries swit settles.
///
/// The app's is what a provider of `Arc<dyn ErrorHandler>` builds, or `App::provide` is given. Without one the policy
/// decides: classes, `retries`, `backoff`, `on_error`. Panics, timeouts and payloads that can't be decoded come here, too.
///
/// What an implementer owes: an answer within the subscriber's timeout. The worker waits for it. Retries that it asks for
/// stay within the budget, whatever it answers; beyond it the message goes to the dead-letter queue as
/// `max_retries_exceeded`.
///
/// ```
/// use std::sync::Arc;
/// use swit_runtime::{
///     error_handler::{ErrorHandler, FailedAttempt},
///     outcome::{ErrorAction, FailureKind},
///     transport::BoxFuture,
/// };
///
/// /// A payment that timed out may have been made: somebody looks before it is tried again.
/// struct NoBlindRetries;
///
/// impl ErrorHandler for NoBlindRetries {
///     fn decide<'a>(&'a self, failed: FailedAttempt<'a>) -> BoxFuture<'a, ErrorAction> {
///         let blind = failed.failure.kind() == FailureKind::Timeout && failed.receiver.subscriber == "take-payment";
///         Box::pin(async move { if blind { ErrorAction::DeadLetter("in_doubt".into()) } else { ErrorAction::ByClass } })
///     }
/// }
///
/// let provided: Arc<dyn ErrorHandler> = Arc::new(NoBlindRetries);
/// ```
///
/// It is asynchronous, so that it may ask somebody and so that one that hangs can be left; it costs nothing while
/// messages succeed.
pub trait ErrorHandler: Send + Sync + 'static {
    /// What is to be done; [`ErrorAction::ByClass`] is what the policy planned. Dropped, unfinished, at the timeout.
    fn decide<'a>(&'a self, failed: FailedAttempt<'a>) -> BoxFuture<'a, ErrorAction>;
}

impl fmt::Debug for dyn ErrorHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ErrorHandler")
    }
}

/// The type that an app provides.
pub type SharedErrorHandler = Arc<dyn ErrorHandler>;
