//! Event types that are made of others: enums of events, and older versions.

use super::{argument::same, text::Message};
use crate::event::EventDescriptor;

/// The type of `upcast = …` is one event of a lower version.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn upcasts(event: &str, version: u32, previous: &str, descriptors: &[EventDescriptor]) {
    let [descriptor] = descriptors else {
        let text = Message::new().tick(event).str(" is upcast from ").tick(previous);
        panic!("{}", text.str(", which is not one event type").get());
    };
    if descriptor.version >= version {
        let text = Message::new().tick(event).str(" has version ").number(version).str(", but is upcast from ");
        let text = text.tick(previous).str(" of version ").number(descriptor.version);
        panic!("{}", text.str("; the previous type has the lower version").get());
    }
}

/// The one descriptor of a variant's type.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn single(events: &str, variant: &str, descriptors: &'static [EventDescriptor]) -> EventDescriptor {
    let [descriptor] = descriptors else {
        let text = Message::new().str("the variant ").tick(variant).str(" of ").tick(events);
        panic!("{}", text.str(" holds an enum of events; list its events as variants of their own").get());
    };
    *descriptor
}

/// No two variants are told apart by nothing.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn are_distinct(events: &str, variants: &[&str], descriptors: &[EventDescriptor]) {
    let mut i = 0;
    while i < descriptors.len() {
        let mut j = i + 1;
        while j < descriptors.len() {
            if same(descriptors[i].topic, descriptors[j].topic)
                && same(descriptors[i].event_type, descriptors[j].event_type)
            {
                let text = Message::new().str("the variants ").tick(variants[i]).str(" and ").tick(variants[j]);
                let text = text.str(" of ").tick(events).str(" are both the event type ");
                let text = text.quote(descriptors[i].event_type).str(" of topic ").quote(descriptors[i].topic);
                panic!("{}", text.str(", so that nothing tells them apart").get());
            }
            j += 1;
        }
        i += 1;
    }
}
