//! Middleware: its own arguments, and where it is listed.

use super::text::Message;
use crate::registry::MiddlewareRegistration;

/// Middleware that a subscriber lists is not global: it would run twice.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn middleware_is_listed(function: &str, path: &str, middleware: &MiddlewareRegistration) {
    if middleware.global {
        let text = Message::new().tick(path).str(" already runs around every subscriber, ").tick(function);
        panic!("{}", text.str(" among them; remove it here, or write `#[middleware(global = false)]` there").get());
    }
}

/// An argument of publish-side middleware does not publish by itself.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn publishes_nothing(function: &str, type_name: &str, publishes: bool) {
    if publishes {
        let text = Message::new().tick(function).str(" is publish-side middleware, but its argument ").tick(type_name);
        panic!("{}", text.str(" publishes, which would run it again").get());
    }
}

/// An argument of middleware leaves payload, settlement and transaction alone.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn is_payload_agnostic(function: &str, type_name: &str, reads_payload: bool, settles: bool, transacts: bool) {
    if reads_payload {
        let text = Message::new().tick(function).str(" is middleware, but its argument ").tick(type_name);
        panic!("{}", text.str(" reads the payload; middleware sees it as bytes, with `cx.message().payload`").get());
    }
    if transacts {
        let text = Message::new().tick(function).str(" is middleware, but its argument ").tick(type_name);
        panic!(
            "{}",
            text.str(" is a handler's, whose transaction begins inside of all middleware; take `Database`").get()
        );
    }
    if settles {
        let text = Message::new().tick(function).str(" is middleware, but its argument ").tick(type_name);
        panic!("{}", text.str(" settles the message; return an `Outcome` instead").get());
    }
}
