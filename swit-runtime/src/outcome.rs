//! What came of an attempt: [`Outcome`], [`Failure`], and what `on_error` may answer: [`ErrorAction`].

use std::{borrow::Cow, error::Error, fmt, time::Duration};

use crate::{
    classify::{BoxError, Class, Classification, Classifier, Classify},
    limits::MAX_ERROR_BYTES,
    text::Text,
};

/// What came of one attempt at a message.
#[derive(Debug)]
#[must_use = "an outcome decides what happens to the message"]
#[non_exhaustive]
pub enum Outcome {
    /// Handled: what was returned is published, then the input is acknowledged.
    Success,
    /// Failed: retried or dead-lettered, as the failure and the subscriber's policy say.
    Failed(Failure),
    /// Given up on purpose, for this reason: acknowledged, counted and logged.
    Discarded(Text),
}

impl Outcome {
    /// Handled.
    pub const fn success() -> Self {
        Self::Success
    }

    /// Failed with this error, by the error's class if it has one.
    pub fn fail(error: impl Into<BoxError>) -> Self {
        Self::Failed(Failure::new(FailureKind::Handler, error))
    }

    /// Given up on purpose. The message is acknowledged; the reason is logged and counted.
    pub fn discard(reason: impl Into<Text>) -> Self {
        Self::Discarded(reason.into())
    }

    /// To the dead-letter queue now, for this reason.
    pub fn dead_letter(reason: impl Into<Text>) -> Self {
        let reason = reason.into();
        let failure = Failure::new(FailureKind::Handler, format!("dead-lettered: {reason}"));
        Self::Failed(failure.with_action(ErrorAction::DeadLetter(reason)))
    }

    /// Try again after this wait, as long as attempts are left.
    pub fn retry_after(wait: Duration) -> Self {
        let failure = Failure::new(FailureKind::Handler, "the handler asked for a retry");
        Self::Failed(failure.with_action(ErrorAction::RetryAfter(wait)))
    }

    /// Whether the message was handled.
    pub const fn is_success(&self) -> bool {
        matches!(self, Self::Success)
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What `on_error` may answer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ErrorAction {
    /// What the error's class says: as if there were no `on_error`.
    #[default]
    ByClass,
    /// Try again with the policy's backoff, whatever the class, as long as attempts are left.
    Retry,
    /// Try again after this wait, as long as attempts are left.
    RetryAfter(Duration),
    /// To the dead-letter queue now, for this reason.
    DeadLetter(Text),
    /// Acknowledge and forget, counted and logged.
    Discard,
}

/// Where a failure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The handler returned an error.
    Handler,
    /// The payload is not what the handler's argument needs.
    Decode,
    /// An argument other than the payload could not be had.
    Extract,
    /// What the handler published was refused.
    Publish,
    /// The handler panicked.
    Panic,
    /// The attempt took longer than its timeout.
    Timeout,
    /// The database of an inbox.
    Store,
}

/// A failed attempt: where it comes from, its error, its class.
pub struct Failure(Box<Parts>);

struct Parts {
    kind: FailureKind,
    classification: Option<Classification>,
    action: ErrorAction,
    error: BoxError,
    /// Asks the error, whose type is known no more, who it says knows its class.
    reclassify: Option<Reclassify>,
    /// Whoever knows classes was asked.
    asked: bool,
}

type Reclassify = fn(&(dyn Error + 'static), &dyn Classifier) -> Option<Classification>;

impl Failure {
    /// A failure whose error is not classified: transient, with the subscriber's own policy.
    pub fn new(kind: FailureKind, error: impl Into<BoxError>) -> Self {
        let (error, action) = (error.into(), ErrorAction::ByClass);
        Self(Box::new(Parts { kind, classification: None, action, error, reclassify: None, asked: false }))
    }

    /// A failure whose error knows its class.
    pub fn classified<E: Classify>(kind: FailureKind, error: E) -> Self {
        let classification = error.classify();
        let mut failure = Self::new(kind, error).with_class(classification);
        failure.0.reclassify = Some(|error, by| error.downcast_ref::<E>()?.classify_by(by));
        failure
    }

    /// With the class that whoever knows classes gives; asked once, and only where neither the error's own type nor
    /// whoever made the failure has the last word. What panicked or timed out has no error of its own to ask about.
    pub(crate) fn ask(&mut self, by: &dyn Classifier) {
        let parts = &mut *self.0;
        let has_error = !matches!(parts.kind, FailureKind::Panic | FailureKind::Timeout);
        if std::mem::replace(&mut parts.asked, true) || !has_error {
            return;
        }
        // The error's own code runs here, outside of any handler.
        let error = &*parts.error;
        let answered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| match parts.reclassify {
            Some(reclassify) => reclassify(error, by),
            None => parts.classification.or_else(|| by.class_of(error)),
        }));
        parts.classification = answered.unwrap_or(parts.classification);
    }

    /// Nobody is to be asked again.
    pub(crate) fn asked(mut self) -> Self {
        self.0.asked = true;
        self
    }

    /// A payload that can't be read: `invalid_input`, never retried.
    pub fn invalid_input(error: impl Into<BoxError>) -> Self {
        Self::new(FailureKind::Decode, error).with_class(Class::InvalidInput)
    }

    /// With this class.
    pub fn with_class(mut self, classification: impl Into<Classification>) -> Self {
        self.0.classification = Some(classification.into());
        self.0.reclassify = None;
        self
    }

    /// With what is to be done about it, whatever its class.
    pub fn with_action(mut self, action: ErrorAction) -> Self {
        self.0.action = action;
        self
    }

    /// Where it comes from.
    pub fn kind(&self) -> FailureKind {
        self.0.kind
    }

    /// Its class, where the error or a classifier said one.
    pub fn classification(&self) -> Option<Classification> {
        self.0.classification
    }

    /// Its class; an error that nobody classified is transient.
    pub fn class(&self) -> Class {
        self.0.classification.map_or(Class::Transient, |known| known.class)
    }

    /// What is to be done about it.
    pub fn action(&self) -> &ErrorAction {
        &self.0.action
    }

    /// The error.
    pub fn error(&self) -> &(dyn Error + Send + Sync + 'static) {
        self.0.error.as_ref()
    }

    /// The error and its sources on one line: control characters escaped, at most 4 KiB.
    pub fn text(&self) -> String {
        one_line(self.error())
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        // A worker drops this outside of its guard; a destructor that panics must not take the worker with it.
        let error = std::mem::replace(&mut self.error, Box::new(Gone));
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(error)));
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the error is gone")]
struct Gone;

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failure")
            .field("kind", &self.0.kind)
            .field("classification", &self.0.classification)
            .field("action", &self.0.action)
            .field("error", &self.text())
            .finish()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text())
    }
}

/// An error and its sources on one line, control characters escaped, at most [`MAX_ERROR_BYTES`] bytes.
///
/// A source whose text the error already repeats is left out.
///
/// The error's own code runs here, outside of any handler: if it panics, that is the text.
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| line_of(error))).unwrap_or_else(|payload| {
        // What it panicked with is not trusted to be dropped.
        std::mem::forget(payload);
        "an error whose text could not be had: its `Display` panicked".to_owned()
    })
}

fn line_of(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    // An error chain is short; a cyclic or hostile one ends here.
    for _ in 0..16 {
        let Some(cause) = source else { break };
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    cap(&escape(&text), MAX_ERROR_BYTES).into_owned()
}

/// Text with control characters, line breaks among them, escaped.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(char::is_control) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().fold(String::with_capacity(text.len() + 8), |mut out, c| {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    }))
}

/// Text cut to at most `bytes` bytes, at a character's border, with `…` at the end of what was cut.
pub fn cap(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let end = text.floor_char_boundary(bytes.saturating_sub('…'.len_utf8()));
    Cow::Owned(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn an_error_becomes_one_capped_line() {
        let error = Outer(std::io::Error::other("a\nb\u{1b}[31m"));
        assert_eq!(one_line(&error), "outer: a\\nb\\u{1b}[31m");
        let long = Outer(std::io::Error::other("ß".repeat(5_000)));
        let text = one_line(&long);
        assert!(text.len() <= MAX_ERROR_BYTES && text.ends_with('…'), "{}", text.len());
    }

    #[test]
    fn an_unclassified_failure_is_transient() {
        let failure = Failure::new(FailureKind::Handler, "x");
        assert_eq!((failure.class(), failure.classification()), (Class::Transient, None));
        assert!(!Class::InvalidInput.retryable());
    }
}
