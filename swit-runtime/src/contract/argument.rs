//! The arguments of a handler, as the contracts see them.

use super::text::Message;
use crate::{codec::Codec, compression::Compression, event::EventDescriptor};

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
    /// `FromDelivery::TRANSACTS`.
    pub transacts: bool,
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
            let event = &arguments[a].events[e];
            if !accepts(event, codec) {
                let text = Message::new().tick(function).str(" reads ").quote(codec.name());
                let text = text.str(", but its argument ").tick(arguments[a].type_name).str(" does not accept it");
                let text = match arguments[a].events.len() {
                    1 => text,
                    // An enum of events: one of them does not.
                    _ => text.str(" for the event ").quote(event.event_type),
                };
                panic!("{}", text.str("; add it to `#[event(codecs = …)]`").get());
            }
            e += 1;
        }
        a += 1;
    }
}

/// The codec's feature is on.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn codec_is_compiled_in(item: &str, codec: Codec) {
    if !codec.is_compiled_in() {
        let text =
            Message::new().tick(item).str(" has the codec ").quote(codec.name()).str(", which is not compiled in; ");
        panic!("{}", text.str("enable the feature ").tick(codec.name()).str(" of `swit`").get());
    }
}

/// The compression's feature is on.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn compression_is_compiled_in(item: &str, compression: Compression) {
    if !compression.is_compiled_in() {
        let name = compression.name();
        let text =
            Message::new().tick(item).str(" has the compression ").quote(name).str(", which is not compiled in; ");
        panic!("{}", text.str("enable the feature ").tick(name).str(" of `swit`").get());
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

pub(super) const fn accepts(event: &EventDescriptor, codec: Codec) -> bool {
    let mut i = 0;
    while i < event.codecs.len() {
        if same(event.codecs[i].name(), codec.name()) {
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
