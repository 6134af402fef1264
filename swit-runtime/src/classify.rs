//! Error classes: what a failure means for the next attempt.

use std::{error::Error, time::Duration};

pub use swit_grammar::{Backoff, Jitter};

/// A boxed error, as handlers may return it.
pub type BoxError = Box<dyn Error + Send + Sync + 'static>;

/// What kind of failure an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Goes away by itself: a lost connection, a timeout. 5 retries, exponential.
    Transient,
    /// Somebody asks for less: a rate limit, a full queue. 3 retries, linear.
    Throttle,
    /// The message itself is wrong; the same message fails again. No retry.
    InvalidInput,
    /// A part of the system is broken: a database that is down. 3 retries, exponential.
    SystemFailure,
    /// Will not get better, for another reason than the message. No retry.
    Permanent,
}

impl Class {
    /// All classes, in their order.
    pub const ALL: [Self; 5] =
        [Self::Transient, Self::Throttle, Self::InvalidInput, Self::SystemFailure, Self::Permanent];

    /// Whether another attempt may succeed.
    pub const fn retryable(self) -> bool {
        !matches!(self, Self::InvalidInput | Self::Permanent)
    }

    /// Retries that this class gets where neither the error nor the subscriber says a number.
    pub const fn retries(self) -> u32 {
        match self {
            Self::Transient => 5,
            Self::Throttle | Self::SystemFailure => 3,
            Self::InvalidInput | Self::Permanent => 0,
        }
    }

    /// Backoff that this class gets where neither the error nor the subscriber says one.
    pub const fn backoff(self) -> Backoff {
        match self {
            Self::Transient | Self::SystemFailure => Backoff::DEFAULT,
            Self::Throttle => Backoff::linear(Duration::from_secs(1)),
            Self::InvalidInput | Self::Permanent => Backoff::None,
        }
    }

    /// The class's name in headers, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Throttle => "throttle",
            Self::InvalidInput => "invalid_input",
            Self::SystemFailure => "system_failure",
            Self::Permanent => "permanent",
        }
    }
}

/// A class, with what this very error says of its retries.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Classification {
    /// The class.
    pub class: Class,
    /// Retries of this error; before the subscriber's and the class's, but never above a written `retries`.
    pub retries: Option<u32>,
    /// Backoff of this error; before the subscriber's and the class's.
    pub backoff: Option<Backoff>,
    /// Wait that the other side asked for; at least this long before the next attempt.
    pub retry_after: Option<Duration>,
}

impl Classification {
    /// A class that says nothing further.
    pub const fn new(class: Class) -> Self {
        Self { class, retries: None, backoff: None, retry_after: None }
    }

    /// With this many retries.
    pub const fn with_retries(mut self, retries: u32) -> Self {
        self.retries = Some(retries);
        self
    }

    /// With this backoff.
    pub const fn with_backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = Some(backoff);
        self
    }

    /// With a wait that the other side asked for.
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

impl From<Class> for Classification {
    fn from(class: Class) -> Self {
        Self::new(class)
    }
}

/// The wait that a field says (`retry_after = field`). Called by the derive.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a wait",
    label = "neither a `Duration` nor an `Option<Duration>`",
    note = "`retry_after` names a field of type `Duration` or `Option<Duration>`"
)]
pub trait Asked {
    /// The wait.
    fn wait(&self) -> Option<Duration>;
}

impl Asked for Duration {
    fn wait(&self) -> Option<Duration> {
        Some(*self)
    }
}

impl Asked for Option<Duration> {
    fn wait(&self) -> Option<Duration> {
        *self
    }
}

/// An error that knows its class. Usually derived: `#[derive(Classify)]` with `#[class(transient)]` at each variant.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say which class of failure it is",
    note = "derive it: `#[derive(Debug, thiserror::Error, Classify)]` with `#[class(transient)]` (or throttle, invalid_input, system_failure, permanent) at each variant"
)]
pub trait Classify: Error + Send + Sync + 'static {
    /// The class of this error.
    fn classify(&self) -> Classification;

    /// The class of this error, where it may leave that to whoever knows: a derived one does with `#[class(from)]`, for the
    /// error that it wraps. `None`: nobody knows.
    fn classify_by(&self, by: &dyn Classifier) -> Option<Classification> {
        let _ = by;
        Some(self.classify())
    }
}

/// Who says the class of errors that do not say it themselves.
pub trait Classifier: Send + Sync {
    /// The class of this error; `None`: unknown.
    fn class_of(&self, error: &(dyn Error + 'static)) -> Option<Classification>;
}
