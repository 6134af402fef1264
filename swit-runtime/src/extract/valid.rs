//! Validation by a function, `validate = path`: between decoding and the handler.
//!
//! Guarantee: what the function refuses is `invalid_input` whatever its error says of itself, so it is dead-lettered at once,
//! and no handler sees it.

use std::fmt;

use bytes::Bytes;

use super::{Json, MsgPack, Protobuf};
use crate::{
    context::Context,
    event::{Event, EventDescriptor},
    outcome::Failure,
    schema::{NoSchema, OfEvent, OfValue},
};

/// An argument that is a payload: what `validate` is about. Implement it for an extractor of your own.
pub trait Payload {
    /// What the function is given.
    type Value: ?Sized;

    /// What a JSON Schema is made for; [`NoSchema`] where none can be.
    type Described;

    /// Whether it is read as JSON and as nothing else.
    const IS_JSON: bool = false;

    /// The value; `None` where the handler takes a failure to decode as an argument.
    fn value(&self) -> Option<&Self::Value>;
}

#[diagnostic::do_not_recommend]
impl<E: Event> Payload for E {
    type Value = E;
    type Described = OfEvent<E>;
    const IS_JSON: bool = EventDescriptor::are_json(E::DESCRIPTORS);

    #[inline]
    fn value(&self) -> Option<&E> {
        Some(self)
    }
}

impl<T> Payload for Json<T> {
    type Value = T;
    type Described = OfValue<T>;
    const IS_JSON: bool = true;

    #[inline]
    fn value(&self) -> Option<&T> {
        Some(&self.0)
    }
}

macro_rules! without_schema {
    ($($name:ty: $value:ty, $read:expr, $($parameter:ident)?;)*) => { $(
        impl$(<$parameter>)? Payload for $name {
            type Value = $value;
            type Described = NoSchema;

            #[inline]
            fn value(&self) -> Option<&Self::Value> {
                let read: fn(&Self) -> &Self::Value = $read;
                Some(read(self))
            }
        }
    )* };
}

without_schema! {
    MsgPack<T>: T, |it| &it.0, T;
    Protobuf<T>: T, |it| &it.0, T;
    Bytes: Self, |it| it, ;
}

impl<T: Payload, R> Payload for Result<T, R> {
    type Value = T::Value;
    type Described = T::Described;
    const IS_JSON: bool = T::IS_JSON;

    #[inline]
    fn value(&self) -> Option<&T::Value> {
        self.as_ref().ok()?.value()
    }
}

/// A function that can be asked whether a value is valid.
#[diagnostic::on_unimplemented(
    message = "`validate` names what can't be asked about `{T}`",
    label = "not a function of `&{T}`",
    note = "write `fn check(value: &{T}) -> Result<(), E>`, with an error that is `Display`"
)]
pub trait Check<T: ?Sized> {
    /// What it answers.
    type Answer;

    /// Asks it.
    fn ask(&self, value: &T) -> Self::Answer;
}

#[diagnostic::do_not_recommend]
impl<T: ?Sized, A, F: Fn(&T) -> A> Check<T> for F {
    type Answer = A;

    #[inline]
    fn ask(&self, value: &T) -> A {
        self(value)
    }
}

/// What a function that validates answers.
#[diagnostic::on_unimplemented(
    message = "a function that validates can't answer `{Self}`",
    label = "answers `{Self}`",
    note = "write `fn check(value: &…) -> Result<(), E>`, not asynchronous, with an error that is `Display`"
)]
pub trait Verdict {
    /// What is wrong, if anything is.
    fn refusal(self) -> Option<String>;
}

#[diagnostic::do_not_recommend]
impl<E: fmt::Display> Verdict for Result<(), E> {
    #[inline]
    fn refusal(self) -> Option<String> {
        // `#`: an error that can say its sources on one line, as `anyhow`'s can, says them.
        self.err().map(|error| format!("{error:#}"))
    }
}

/// A value that its subscriber's validation refused.
#[derive(Debug, thiserror::Error)]
#[error("`{subscriber}` refused the payload as invalid: {reason}")]
pub struct Refused {
    /// The subscriber.
    pub subscriber: crate::text::Text,
    /// What its function said.
    pub reason: String,
}

/// Asks the function about a payload.
///
/// # Errors
/// [`Refused`], as `invalid_input`.
#[inline]
pub fn valid<P, C>(payload: &P, check: &C, cx: &Context) -> Result<(), Failure>
where
    P: Payload,
    C: Check<P::Value>,
    C::Answer: Verdict,
{
    match payload.value().and_then(|value| check.ask(value).refusal()) {
        None => Ok(()),
        Some(reason) => Err(refused(reason, cx)),
    }
}

#[cold]
fn refused(reason: String, cx: &Context) -> Failure {
    Failure::invalid_input(Refused { subscriber: cx.receiver().subscriber.clone(), reason })
}

/// An argument that was taken, on its way into the handler. Generated code imports [`IsPayload`] and [`IsNone`] and calls
/// `(&&Taken(&argument)).valid(&check, cx)`: the first that applies wins, as in [`via`](crate::returns::via).
#[derive(Debug)]
pub struct Taken<'a, A>(pub &'a A);

/// It is a payload.
pub trait IsPayload<P: Payload> {
    /// As [`valid`].
    ///
    /// # Errors
    /// As [`valid`].
    fn valid<C: Check<P::Value, Answer: Verdict>>(&self, check: &C, cx: &Context) -> Result<(), Failure>;
}

impl<P: Payload> IsPayload<P> for &Taken<'_, P> {
    #[inline]
    fn valid<C: Check<P::Value, Answer: Verdict>>(&self, check: &C, cx: &Context) -> Result<(), Failure> {
        valid(self.0, check, cx)
    }
}

/// It is none: there is nothing to ask about.
pub trait IsNone {
    /// Whatever the function is.
    ///
    /// # Errors
    /// Never.
    fn valid<C>(&self, _check: &C, _cx: &Context) -> Result<(), Failure> {
        Ok(())
    }
}

impl<A> IsNone for Taken<'_, A> {}
