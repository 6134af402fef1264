//! The arguments of a handler, as the contracts see them.

use super::text::Message;
use crate::{codec::Codec, event::EventDescriptor};

/// What the checks need to know of one argument of a handler.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    /// As the source spells it.
    pub type_name: &'static str,
    /// Whether it is an extractor at all; if not, the handler itself is reported.
    pub extracts: bool,
    /// `FromDelivery::EVENTS`.
    pub events: &'static [EventDescriptor],
    /// `FromDelivery::SETTLES`.
    pub settles: bool,
}

/// The codec is one of every event's. Holds where no argument is an event.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn codec_is_accepted(function: &str, codec: Codec, arguments: &[Argument]) {
    let mut a = 0;
    while a < arguments.len() {
        let mut e = 0;
        while e < arguments[a].events.len() {
            if !accepts(&arguments[a].events[e], codec) {
                let text = Message::new().tick(function).str(" reads ").str(codec.content_type());
                let text = text.str(", but its argument ").tick(arguments[a].type_name);
                panic!("{}", text.str(" does not accept it; add it to `#[event(codecs = …)]`").get());
            }
            e += 1;
        }
        a += 1;
    }
}

/// Whether any argument is an event.
pub(super) const fn has_events(arguments: &[Argument]) -> bool {
    let mut a = 0;
    while a < arguments.len() {
        if !arguments[a].events.is_empty() {
            return true;
        }
        a += 1;
    }
    false
}

/// Whether every argument is an extractor; one that is none is reported where the handler takes it.
pub(super) const fn all_extract(arguments: &[Argument]) -> bool {
    let mut a = 0;
    while a < arguments.len() {
        if !arguments[a].extracts {
            return false;
        }
        a += 1;
    }
    true
}

const fn accepts(event: &EventDescriptor, codec: Codec) -> bool {
    let mut i = 0;
    while i < event.codecs.len() {
        if same(event.codecs[i].content_type(), codec.content_type()) {
            return true;
        }
        i += 1;
    }
    false
}

/// `==` of texts, which is not `const`.
pub(super) const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
