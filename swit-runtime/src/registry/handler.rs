//! The type twin of a subscriber's function, and what a worker's loop is made for.

use super::SubscriberRegistration;
use crate::{context::Context, outcome::Outcome};

/// The type twin of a function with `#[subscriber]`: same name, in the type namespace, so that it can be named in
/// `App::only::<(confirm_order,)>()` and the worker's loop can be made for it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a subscriber",
    note = "name functions that carry `#[subscriber]`, in a tuple: `App::only::<(confirm_order,)>()`"
)]
pub trait Handler: Send + Sync + 'static {
    /// What was registered.
    const REGISTRATION: &'static SubscriberRegistration;

    /// Takes the arguments out of the delivery, calls the function, makes an outcome of what it returned.
    fn call(cx: &mut Context) -> impl Future<Output = Outcome> + Send;
}

/// What a worker's loop is made for: a linked handler, or a closure that stands in the worker's context.
pub trait Serve: Send + Sync + 'static {
    /// Makes an outcome of a delivery.
    fn call(cx: &mut Context) -> impl Future<Output = Outcome> + Send;
}

impl<H: Handler> Serve for H {
    #[inline]
    fn call(cx: &mut Context) -> impl Future<Output = Outcome> + Send {
        <H as Handler>::call(cx)
    }
}
