//! Validation: what is wrong is `invalid_input`, dead-lettered at once, and no handler sees it.
//!
//! [`Validation`] checks the raw message.

use std::fmt;

use crate::{
    classify::BoxError,
    context::Context,
    message::Message,
    middleware::{Middleware, Next},
    outcome::{Failure, Outcome},
    transport::BoxFuture,
};

type Check = dyn Fn(&Message) -> Result<(), BoxError> + Send + Sync;

/// Middleware that checks messages by a function, before their payload is decoded.
///
/// ```ignore
/// let tenants = Validation::new(|message: &Message| {
///     if message.headers.get("x-tenant").is_some() { Ok(()) } else { Err("it names no tenant") }
/// });
/// App::new().middleware("tenants", 10, tenants)
/// ```
pub struct Validation(Box<Check>);

impl Validation {
    /// By this function. Its error is what the dead letter says.
    pub fn new<E: Into<BoxError>>(check: impl Fn(&Message) -> Result<(), E> + Send + Sync + 'static) -> Self {
        Self(Box::new(move |message| check(message).map_err(Into::into)))
    }
}

impl Middleware for Validation {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        if let Err(error) = (self.0)(cx.message()) {
            let failure = Failure::invalid_input(error);
            return Box::pin(std::future::ready(Outcome::Failed(failure)));
        }
        next.run(cx)
    }
}

impl fmt::Debug for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validation").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_what_it_is_made_of() {
        let check = Validation::new(|message: &Message| if message.payload.is_empty() { Err("empty") } else { Ok(()) });
        assert_eq!((check.0)(&Message::new("t", "")).unwrap_err().to_string(), "empty");
        assert!((check.0)(&Message::new("t", "x")).is_ok());
    }
}
