//! What a handler may return, and how its errors find their class.

use std::sync::Arc;

use crate::{
    classify::{BoxError, Classification, Classifier, Classify},
    codec::EncodeError,
    context::{Context, Receiver},
    event::{Event, EventDescriptor},
    outcome::{Failure, FailureKind, Outcome},
};

/// An event to publish, confirmed by the broker before the input is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish<E>(pub E);

/// A successful return value: nothing, an outcome, or events to publish.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a handler",
    label = "not a return value of a handler",
    note = "return `()`, an `Outcome`, `Publish<E>` of an event, tuples, `Vec` or `Option` of them, or a `Result` of any"
)]
pub trait Emit: Send {
    /// Whether it may publish something. What does can't be returned by a subscriber that settles by hand, which could
    /// acknowledge before it is confirmed.
    const PUBLISHES: bool = false;

    /// The event types that it may publish, for the graph.
    fn events(out: &mut Vec<EventDescriptor>) {
        let _ = out;
    }

    /// Adds what is to be published to the context.
    ///
    /// # Errors
    /// An event can't be encoded.
    fn emit(self, cx: &mut Context) -> Result<Outcome, EncodeError>;
}

impl Emit for () {
    #[inline]
    fn emit(self, _: &mut Context) -> Result<Outcome, EncodeError> {
        Ok(Outcome::Success)
    }
}

impl Emit for Outcome {
    fn emit(self, _: &mut Context) -> Result<Outcome, EncodeError> {
        Ok(self)
    }
}

impl<E: Event> Emit for Publish<E> {
    const PUBLISHES: bool = true;

    fn events(out: &mut Vec<EventDescriptor>) {
        out.extend_from_slice(E::DESCRIPTORS);
    }

    fn emit(self, cx: &mut Context) -> Result<Outcome, EncodeError> {
        cx.emit(self.0.encode()?, self.0.descriptor().unrouted);
        Ok(Outcome::Success)
    }
}

impl<T: Emit> Emit for Option<T> {
    const PUBLISHES: bool = T::PUBLISHES;

    fn events(out: &mut Vec<EventDescriptor>) {
        T::events(out);
    }

    fn emit(self, cx: &mut Context) -> Result<Outcome, EncodeError> {
        self.map_or(Ok(Outcome::Success), |value| value.emit(cx))
    }
}

impl<T: Emit> Emit for Vec<T> {
    const PUBLISHES: bool = T::PUBLISHES;

    fn events(out: &mut Vec<EventDescriptor>) {
        T::events(out);
    }

    /// The first outcome that is not a success is the outcome.
    fn emit(self, cx: &mut Context) -> Result<Outcome, EncodeError> {
        let mut outcome = Outcome::Success;
        for value in self {
            let next = value.emit(cx)?;
            if outcome.is_success() {
                outcome = next;
            }
        }
        Ok(outcome)
    }
}

macro_rules! emit_tuples {
    ($($name:ident)*) => {
        impl<$($name: Emit),*> Emit for ($($name,)*) {
            const PUBLISHES: bool = false $(|| $name::PUBLISHES)*;

            fn events(out: &mut Vec<EventDescriptor>) {
                $($name::events(out);)*
            }

            /// The first outcome that is not a success is the outcome.
            #[expect(non_snake_case, reason = "the type parameters' names serve as bindings")]
            fn emit(self, cx: &mut Context) -> Result<Outcome, EncodeError> {
                let ($($name,)*) = self;
                let mut outcome = Outcome::Success;
                $(
                    let next = $name.emit(cx)?;
                    if outcome.is_success() {
                        outcome = next;
                    }
                )*
                Ok(outcome)
            }
        }
    };
}
emit_tuples!(A);
emit_tuples!(A B);
emit_tuples!(A B C);
emit_tuples!(A B C D);
emit_tuples!(A B C D E);
emit_tuples!(A B C D E F);

/// A handler's whole return value: something to [`Emit`], or a `Result` of it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a handler",
    label = "not a return value of a handler",
    note = "return `()`, an `Outcome`, `Publish<E>` of an event, tuples, `Vec` or `Option` of them, or a `Result` of any"
)]
pub trait Return: Send {
    /// What is emitted on success.
    type Value: Emit;
    /// The error; [`NoError`] where there is none.
    type Error: Send;

    /// The two sides.
    ///
    /// # Errors
    /// The handler's own error.
    fn split(self) -> Result<Self::Value, Self::Error>;

    /// What a successful value makes of its delivery: its events are added to the context.
    #[inline]
    fn emitted(value: Self::Value, cx: &mut Context) -> Outcome {
        emitted(value, cx)
    }
}

/// The error of a handler that returns no `Result`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoError {}

impl Classify for NoError {
    fn classify(&self) -> Classification {
        match *self {}
    }
}

impl<T: Emit> Return for T {
    type Value = T;
    type Error = NoError;

    #[inline]
    fn split(self) -> Result<T, NoError> {
        Ok(self)
    }
}

impl<T: Emit, E: Send> Return for Result<T, E> {
    type Value = T;
    type Error = E;

    #[inline]
    fn split(self) -> Self {
        self
    }
}

/// Carries an error's type through method resolution; see [`via`].
#[derive(Debug)]
pub struct Tag<E> {
    /// Whose rules say the class of what does not say it itself.
    receiver: Option<Arc<Receiver>>,
    error: std::marker::PhantomData<fn() -> E>,
}

impl<E> Tag<E> {
    /// The tag of an error's type.
    pub fn of(_: &E) -> Self {
        Self { receiver: None, error: std::marker::PhantomData }
    }

    /// The tag of an error's type, under a delivery whose subscriber has rules.
    pub fn under(_: &E, cx: &Context) -> Self {
        Self { receiver: Some(cx.receiver().clone()), error: std::marker::PhantomData }
    }

    fn class_of(&self, error: &(dyn std::error::Error + 'static)) -> Option<Classification> {
        match &self.receiver {
            Some(receiver) => receiver.rules.class_of(error),
            None => crate::classifiers::class_of(error),
        }
    }

    fn class_by(&self, error: &impl Classify) -> Option<Classification> {
        match &self.receiver {
            Some(receiver) => error.classify_by(&receiver.rules),
            None => Some(error.classify()),
        }
    }

    /// With this class; if there was a subscriber to ask, it is not asked again.
    fn with_class(&self, failure: Failure, class: Option<Classification>) -> Failure {
        let failure = match class {
            Some(class) => failure.with_class(class),
            None => failure,
        };
        if self.receiver.is_some() { failure.asked() } else { failure }
    }
}

/// What a successful return value makes of its delivery: its events are added to the context.
pub fn emitted(value: impl Emit, cx: &mut Context) -> Outcome {
    value.emit(cx).unwrap_or_else(|error| Failure::classified(FailureKind::Publish, error).into())
}

/// How an error becomes a failure, chosen by method resolution on references (there is no specialization on stable).
///
/// Generated code imports all of these and calls `(&&&&Tag::under(&error, cx)).failure(error)`: the first that applies wins.
pub mod via {
    use super::{BoxError, Classify, Failure, FailureKind, Tag};

    /// The error says its class itself.
    pub trait ViaClassify<E> {
        /// The failure of this error.
        fn failure(&self, error: E) -> Failure;
        /// The failure of this error, as far as it can be told without owning it.
        fn preview(&self, error: &E) -> Failure;
    }

    impl<E: Classify> ViaClassify<E> for &&&Tag<E> {
        fn failure(&self, error: E) -> Failure {
            match &self.receiver {
                Some(_) => {
                    let class = self.class_by(&error);
                    self.with_class(Failure::new(FailureKind::Handler, error), class)
                }
                None => Failure::classified(FailureKind::Handler, error),
            }
        }

        fn preview(&self, error: &E) -> Failure {
            let failure = Failure::new(FailureKind::Handler, crate::outcome::one_line(error));
            self.with_class(failure, self.class_by(error))
        }
    }

    /// The error is a box that can be looked into (`Box<dyn Error + Send + Sync>`, `anyhow::Error`).
    pub trait ViaDyn<E> {
        /// The failure of this error.
        fn failure(&self, error: E) -> Failure;
        /// The failure of this error, as far as it can be told without owning it.
        fn preview(&self, error: &E) -> Failure;
    }

    impl<E: AsRef<dyn std::error::Error + Send + Sync> + Into<BoxError>> ViaDyn<E> for &&Tag<E> {
        fn failure(&self, error: E) -> Failure {
            let class = self.class_of(error.as_ref());
            self.with_class(Failure::new(FailureKind::Handler, error), class)
        }

        fn preview(&self, error: &E) -> Failure {
            let text = crate::outcome::one_line(error.as_ref());
            self.with_class(Failure::new(FailureKind::Handler, text), self.class_of(error.as_ref()))
        }
    }

    /// The error converts into a box.
    pub trait ViaBox<E> {
        /// The failure of this error.
        fn failure(&self, error: E) -> Failure;
        /// The failure of this error: its text is not told before it is boxed.
        fn preview(&self, error: &E) -> Failure;
    }

    impl<E: Into<BoxError>> ViaBox<E> for &Tag<E> {
        fn failure(&self, error: E) -> Failure {
            let error = error.into();
            let class = self.class_of(error.as_ref());
            self.with_class(Failure::new(FailureKind::Handler, error), class)
        }

        fn preview(&self, _: &E) -> Failure {
            Failure::new(FailureKind::Handler, format!("a `{}`", crate::event::short_type_name::<E>()))
        }
    }

    /// Nothing is known of the error: a compile error that says what to do.
    pub trait ViaNone<E> {
        /// The failure of this error.
        fn failure(&self, error: E) -> Failure
        where
            E: HandlerError;
        /// The failure of this error.
        fn preview(&self, error: &E) -> Failure
        where
            E: HandlerError;
    }

    impl<E> ViaNone<E> for Tag<E> {
        fn failure(&self, error: E) -> Failure
        where
            E: HandlerError,
        {
            error.into_failure()
        }

        fn preview(&self, error: &E) -> Failure
        where
            E: HandlerError,
        {
            error.preview()
        }
    }

    /// Stands for «`Classify`, or converts into a boxed error»; nothing implements it.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` cannot be the error of a handler",
        label = "neither classified nor an error",
        note = "derive `Classify` and `thiserror::Error` for it, or return an error that converts into `Box<dyn std::error::Error + Send + Sync>`"
    )]
    pub trait HandlerError: Sized {
        /// The failure of this error.
        fn into_failure(self) -> Failure;
        /// The failure of this error.
        fn preview(&self) -> Failure;
    }
}
