//! What the functions of a saga are called with, and what they come to. Called by generated code.

use std::{fmt, ops::Deref, sync::Arc};

use super::{Cause, Journal, Opening};
use crate::{
    classify::Class,
    context::Context,
    extract::{FromDelivery, argument},
    outcome::{Failure, FailureKind},
    text::Text,
};
use serde::{Serialize, de::DeserializeOwned};

/// What a function of a saga sees of its instance; an extension of its context.
#[derive(Debug, Clone)]
pub(crate) struct Seen(pub(crate) Arc<View>);

#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) key: Text,
    /// What it was started with.
    pub(crate) opening: Arc<Opening>,
    /// What has happened so far.
    pub(crate) journal: Arc<Journal>,
    /// What the outside knows the step by, where its definition says nothing else.
    pub(crate) idempotency_key: Text,
    /// The same, of the step that a compensation undoes.
    pub(crate) step_key: Text,
    /// The context's message is an event that was waited for.
    pub(crate) has_event: bool,
}

/// What a step returns: a `Result`, whose value is kept and handed to later steps.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a step of a saga",
    label = "not what a step returns",
    note = "return a `Result<Output, Error>` whose output implements `Serialize` and `DeserializeOwned` (`()` does)"
)]
pub trait StepReturn: Send {
    /// What is kept.
    type Output: Serialize + DeserializeOwned + Send;
    /// Why there is none.
    type Error: Send;

    /// The one or the other.
    ///
    /// # Errors
    /// The function's own.
    fn split(self) -> Result<Self::Output, Self::Error>;
}

impl<O: Serialize + DeserializeOwned + Send, E: Send> StepReturn for Result<O, E> {
    type Output = O;
    type Error = E;

    fn split(self) -> Self {
        self
    }
}

/// How a compensation takes the output of the step that it undoes: as it is, or as an `Option`, which is `None` where nobody
/// knows whether the step was done.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the output of the step, nor an `Option` of it",
    label = "the step returns `{O}`",
    note = "a compensation takes what its step returned: `#[output] name: {O}`, or `Option<{O}>` where the step may have been done without anybody knowing"
)]
pub trait OfOutput<O>: Sized {
    /// Whether it can be had where nobody knows whether the step was done.
    const IN_DOUBT: bool;

    /// Made of the output.
    fn of(output: Option<O>) -> Option<Self>;
}

impl<O> OfOutput<O> for O {
    const IN_DOUBT: bool = false;

    fn of(output: Option<O>) -> Option<O> {
        output
    }
}

impl<O> OfOutput<O> for Option<O> {
    const IN_DOUBT: bool = true;

    fn of(output: Option<O>) -> Option<Self> {
        Some(output)
    }
}

/// What the instance was started with.
///
/// # Errors
/// It is not of this type: the type changed since.
pub fn input<S: DeserializeOwned>(cx: &Context) -> Result<S, Failure> {
    read(view(cx)?.opening.input.get(), "what it was started with")
}

/// The output of an earlier step.
///
/// # Errors
/// It is not of this type, or the step was not there when the instance went past it.
pub fn output<O: DeserializeOwned>(cx: &Context, step: &str) -> Result<O, Failure> {
    let view = view(cx)?;
    let found = view.journal.output(step).ok_or_else(|| broken(format!("the instance has no output of `{step}`")))?;
    read(found.get(), step)
}

/// The output of the step that a compensation undoes.
///
/// # Errors
/// It is not of this type.
pub fn own_output<O: DeserializeOwned, A: OfOutput<O>>(cx: &Context, step: &str) -> Result<A, Failure> {
    let found = view(cx)?.journal.output(step).map(|found| read(found.get(), step)).transpose()?;
    A::of(found).ok_or_else(|| broken(format!("nobody knows whether `{step}` was done")))
}

/// The event that a step waited for; none, where it stopped waiting.
///
/// # Errors
/// It can't be decoded.
pub async fn event<E: FromDelivery>(cx: &mut Context) -> Result<Option<E>, Failure> {
    if !view(cx)?.has_event {
        return Ok(None);
    }
    argument(cx).await.map(Some)
}

/// An output, as it is kept.
///
/// # Errors
/// It can't be written as JSON.
pub fn written<O: Serialize>(output: &O) -> Result<String, Failure> {
    serde_json::to_string(output).map_err(|error| {
        Failure::new(FailureKind::Handler, format!("the output can't be written as JSON: {error}"))
            .with_class(Class::Permanent)
    })
}

fn view(cx: &Context) -> Result<&View, Failure> {
    cx.extension::<Seen>().map(|seen| &*seen.0).ok_or_else(|| broken("it is no step of a saga".to_owned()))
}

fn read<T: DeserializeOwned>(json: &str, what: &str) -> Result<T, Failure> {
    serde_json::from_str(json).map_err(|error| {
        let name = std::any::type_name::<T>();
        broken(format!("{what} can't be read as a `{name}`: {error}"))
    })
}

fn broken(text: String) -> Failure {
    Failure::new(FailureKind::Extract, text).with_class(Class::Permanent)
}

/// What the outside knows a step by: the same at each of its attempts, whatever dies in between, and another for its
/// compensation. An argument of steps and compensations; hand it to whatever does a thing once per key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdempotencyKey(Text);

impl IdempotencyKey {
    /// For calling steps directly.
    pub fn new(key: impl Into<Text>) -> Self {
        Self(key.into())
    }
}

impl Deref for IdempotencyKey {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromDelivery for IdempotencyKey {
    type Rejection = Failure;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        Ok(Self(view(cx)?.idempotency_key.clone()))
    }
}

/// Why an instance is undone, as an argument of compensations.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Undoing {
    /// Why.
    pub cause: Cause,
    /// The step that failed for good, where one did.
    pub step: Option<Text>,
    /// The reason of that, as a dead letter would have it: `permanent`, `invalid_input`, `max_retries_exceeded`, or a word of
    /// the step's own.
    pub reason: Option<Text>,
    /// What the step said.
    pub error: Option<String>,
    /// What the outside knows the step by that is undone: the [`IdempotencyKey`] under which it was done, or may have been.
    pub key: IdempotencyKey,
}

impl FromDelivery for Undoing {
    type Rejection = Failure;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        let view = view(cx)?;
        let (journal, key) = (&view.journal, IdempotencyKey(view.step_key.clone()));
        let cause = journal.cause.ok_or_else(|| broken("nothing is undone: it is for compensations".to_owned()))?;
        let failed = journal.failed.clone();
        let (step, reason, error) = match failed {
            Some(failed) => (Some(failed.step), Some(failed.reason), Some(failed.error)),
            None => (None, None, None),
        };
        Ok(Self { cause, step, reason, error, key })
    }
}

/// The key of the instance, as an argument of steps and compensations.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SagaKey(Text);

impl SagaKey {
    /// For calling steps directly.
    pub fn new(key: impl Into<Text>) -> Self {
        Self(key.into())
    }
}

impl Deref for SagaKey {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromDelivery for SagaKey {
    type Rejection = Failure;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        Ok(Self(view(cx)?.key.clone()))
    }
}
