//! What generated code asks of the types in a saga's signatures, so that one that does not fit is reported where it stands.

use serde::de::DeserializeOwned;

use super::step::{StepReturn, event, input, output, written};
use crate::{
    classify::Class,
    context::Context,
    extract::FromDelivery,
    outcome::{Failure, FailureKind},
    registry::Saga,
    returns::NoError,
};

/// What the instance was started with, as `&self`.
///
/// # Errors
/// As [`input`]'s.
pub fn this<S: Saga>(cx: &Context) -> Result<S, Failure> {
    input(cx)
}

/// What a function came to: its output, as it is kept, or its error.
///
/// # Errors
/// The function's own; inside of it, as [`written`]'s.
pub fn ended<R: StepReturn>(returned: R) -> Result<Result<String, Failure>, R::Error> {
    returned.split().map(|output| written(&output))
}

/// How a later step takes the output of an earlier one: as it is.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not the output of that step",
    label = "the step returns `{O}`",
    note = "an argument with `#[output(step)]` is what the step's function returned: write `{O}`"
)]
pub trait OutputOf<O>: Sized {
    /// The output.
    fn of(output: O) -> Self;
}

impl<O> OutputOf<O> for O {
    fn of(output: O) -> O {
        output
    }
}

/// The output of an earlier step, as an argument.
///
/// # Errors
/// As [`output`]'s.
pub fn earlier<O: DeserializeOwned, A: OutputOf<O>>(cx: &Context, step: &str) -> Result<A, Failure> {
    output(cx, step).map(A::of)
}

/// The event that a step waited for, as an argument of one that does not go on without it.
///
/// # Errors
/// There is none, or it can't be decoded.
pub async fn arrived<E: FromDelivery>(cx: &mut Context) -> Result<E, Failure> {
    event(cx).await?.ok_or_else(|| {
        Failure::new(FailureKind::Extract, "the event that it waits for is not there").with_class(Class::Permanent)
    })
}

/// What starts a saga returns it, or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not start the saga `{S}`",
    label = "not what starts it",
    note = "what has `#[start]` returns `Self`, or `Result<Self, E>`"
)]
pub trait StartReturn<S>: Send {
    /// Why there is none.
    type Error: Send;

    /// The one or the other.
    ///
    /// # Errors
    /// The function's own.
    fn split(self) -> Result<S, Self::Error>;
}

impl<S: Saga> StartReturn<S> for S {
    type Error = NoError;

    fn split(self) -> Result<S, NoError> {
        Ok(self)
    }
}

impl<S: Saga, E: Send> StartReturn<S> for Result<S, E> {
    type Error = E;

    fn split(self) -> Self {
        self
    }
}
