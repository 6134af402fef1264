//! Handlers that are values: closures and plain functions, for subscribers that are made while the service runs.
//!
//! The worker's loop is made for the closure's type, as it is made for a linked handler's, and finds the closure itself
//! in its context: a message costs one comparison of types more. Each bound is a trait of its own, so that what is wrong
//! with a closure is said where it is wrong.

use std::marker::PhantomData;

use super::Serve;
use crate::{
    classifiers::class_of,
    classify::BoxError,
    context::Context,
    event::EventDescriptor,
    extract::{FromDelivery, Requirements},
    outcome::{Failure, FailureKind, Outcome},
    returns::Return,
};

/// A function of these arguments, asynchronous or not.
#[diagnostic::on_unimplemented(
    message = "this cannot be called as a handler",
    label = "not a function of up to eight arguments that may be called again and again",
    note = "pass `|event: OrderPlaced, orders: State<Orders>| async move {{ … }}`; what it captures it keeps, so clone it for each call"
)]
pub trait Callable<A>: Send + Sync + 'static {
    /// What it returns: a future, if it is asynchronous.
    type Returned;

    /// Calls it.
    fn call_with(&self, arguments: A) -> Self::Returned;
}

/// A future: what an asynchronous function returns.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a future, and a handler is asynchronous",
    label = "returns `{Self}` at once",
    note = "write `|…| async move {{ … }}`, or pass an `async fn`"
)]
pub trait Asynchronous {
    /// What comes of it.
    type Out;
    /// Itself.
    type Run: Future<Output = Self::Out>;

    /// Itself, as the future that it is.
    fn run(self) -> Self::Run;
}

// Beside `Future`, whose own message would say less.
#[diagnostic::do_not_recommend]
impl<T: Future> Asynchronous for T {
    type Out = T::Output;
    type Run = T;

    #[inline]
    fn run(self) -> T {
        self
    }
}

/// An error that converts into a boxed one: what a closure's may be. One that is classified is found inside its box.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a closure",
    label = "does not convert into a boxed error",
    note = "derive `thiserror::Error` for it, or return an error that converts into `Box<dyn std::error::Error + Send + Sync>`"
)]
pub trait Boxable {
    /// Boxes it.
    fn boxed(self) -> BoxError;
}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> Boxable for E {
    fn boxed(self) -> BoxError {
        self.into()
    }
}

/// The arguments of a handler: a tuple of extractors.
pub trait Arguments: Sized + Send + 'static {
    /// How many of them read the payload.
    const READERS: usize;
    /// Whether one of them takes the right to settle.
    const SETTLES: bool;

    /// The event types that they read.
    fn events(out: &mut Vec<EventDescriptor>);

    /// What they require.
    fn requires(out: &mut Requirements);

    /// Takes them out of a delivery, first to last.
    fn take(cx: &mut Context) -> impl Future<Output = Result<Self, Failure>> + Send;
}

/// A closure as what a worker's loop is made for.
#[derive(Debug)]
pub struct Closure<C, A>(PhantomData<fn(C, A)>);

impl<C, A> Serve for Closure<C, A>
where
    A: Arguments,
    C: Callable<A>,
    C::Returned: Asynchronous<Run: Send, Out: Return<Error: Boxable>>,
{
    async fn call(cx: &mut Context) -> Outcome {
        let arguments = match A::take(cx).await {
            Ok(arguments) => arguments,
            Err(failure) => return failure.into(),
        };
        let Some(callable) = cx.callable::<C>() else {
            return Failure::new(FailureKind::Extract, "the closure of this subscriber is not in its context").into();
        };
        let returned = callable.call_with(arguments).run();
        match returned.await.split() {
            Ok(value) => <<C::Returned as Asynchronous>::Out as Return>::emitted(value, cx),
            Err(error) => {
                let error = error.boxed();
                let class = class_of(error.as_ref());
                let failure = Failure::new(FailureKind::Handler, error);
                match class {
                    Some(class) => failure.with_class(class).into(),
                    None => failure.into(),
                }
            }
        }
    }
}

macro_rules! closures {
    ($($name:ident)*) => {
        impl<F, R, $($name),*> Callable<($($name,)*)> for F
        where
            F: Fn($($name),*) -> R + Send + Sync + 'static,
        {
            type Returned = R;

            #[allow(non_snake_case, reason = "the type parameters' names serve as bindings")]
            #[inline]
            fn call_with(&self, ($($name,)*): ($($name,)*)) -> R {
                self($($name),*)
            }
        }

        impl<$($name: FromDelivery + 'static),*> Arguments for ($($name,)*) {
            const READERS: usize = 0 $(+ $name::READS_PAYLOAD as usize)*;
            const SETTLES: bool = false $(|| $name::SETTLES)*;

            fn events(out: &mut Vec<EventDescriptor>) {
                let _ = &out;
                $(out.extend_from_slice($name::EVENTS);)*
            }

            fn requires(out: &mut Requirements) {
                let _ = &out;
                $($name::requires(out);)*
            }

            async fn take(cx: &mut Context) -> Result<Self, Failure> {
                let _ = &cx;
                Ok(($($name::from_delivery(cx).await.map_err(Into::into)?,)*))
            }
        }
    };
}
closures!();
closures!(A1);
closures!(A1 A2);
closures!(A1 A2 A3);
closures!(A1 A2 A3 A4);
closures!(A1 A2 A3 A4 A5);
closures!(A1 A2 A3 A4 A5 A6);
closures!(A1 A2 A3 A4 A5 A6 A7);
closures!(A1 A2 A3 A4 A5 A6 A7 A8);
