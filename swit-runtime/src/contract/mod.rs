//! What a subscriber's attribute and its signature must be to each other, checked while the user's crate compiles.
//!
//! Macros see tokens, not types: whether an argument is an event, and of which topic, only the compiler knows. Generated
//! code therefore calls these `const fn`s in `const _: () = …;` at the span of the key that they are about. They are
//! `#[track_caller]`, so that the error stands there and not here.

use crate::{
    codec::Codec,
    event::EventDescriptor,
    extract::FromDelivery,
    registry::MiddlewareRegistration,
    topic::{is_pattern, matches},
};

mod text;

use text::Message;

/// What the checks need to know of one argument of a handler.
#[derive(Debug, Clone, Copy)]
pub struct Argument {
    type_name: &'static str,
    events: &'static [EventDescriptor],
    reads_payload: bool,
    settles: bool,
}

impl Argument {
    /// The argument of this type, which the source spells `type_name`.
    pub const fn of<A: FromDelivery>(type_name: &'static str) -> Self {
        Self { type_name, events: A::EVENTS, reads_payload: A::READS_PAYLOAD, settles: A::SETTLES }
    }
}

/// Each event topic is taken by an entry of `topics`. Holds where no argument is an event.
#[track_caller]
pub const fn topics_cover_events(function: &str, topics: &[&str], arguments: &[Argument]) {
    let mut a = 0;
    while a < arguments.len() {
        let mut e = 0;
        while e < arguments[a].events.len() {
            let topic = arguments[a].events[e].topic;
            if !covered(topics, topic) && !any_orphan(topics, arguments) {
                let text = Message::new().tick(function).str(" subscribes to ").list(topics);
                let text = text.str(", but its argument ").tick(arguments[a].type_name);
                panic!("{}", text.str(" is an event of topic ").quote(topic).get());
            }
            e += 1;
        }
        a += 1;
    }
}

/// A topic without wildcards is some event's topic. Holds where no argument is an event.
#[track_caller]
pub const fn topic_is_an_events(function: &str, topic: &str, arguments: &[Argument]) {
    if orphan(topic, arguments) {
        let text = Message::new().tick(function).str(" subscribes to ").quote(topic);
        let text = text.str(", but none of its arguments is an event of that topic; they are of ");
        panic!("{}", text.topics(arguments).get());
    }
}

/// There is a topic: asked where the attribute names neither topic nor queue.
#[track_caller]
pub const fn has_topic(function: &str, arguments: &[Argument]) {
    if !has_events(arguments) {
        let text = Message::new().tick(function).str(" has no topic: none of its arguments is an event; ");
        panic!("{}", text.str("take an event type, or write `topic = \"…\"` or `queue = \"…\"`").get());
    }
}

/// `event = "…"` is the type of some event of the arguments. Holds where no argument is an event.
#[track_caller]
pub const fn filter_is_an_events(function: &str, filter: &str, arguments: &[Argument]) {
    let mut a = 0;
    while a < arguments.len() {
        let mut e = 0;
        while e < arguments[a].events.len() {
            if same(arguments[a].events[e].event_type, filter) {
                return;
            }
            e += 1;
        }
        a += 1;
    }
    if has_events(arguments) {
        let text = Message::new().tick(function).str(" takes only messages of the event type ").quote(filter);
        panic!("{}", text.str(", which none of its arguments is").get());
    }
}

/// `ack = "manual"` has an argument that settles.
#[track_caller]
pub const fn somebody_settles(function: &str, arguments: &[Argument]) {
    if settler(arguments).is_none() {
        let text = Message::new().tick(function).str(" settles by hand (`ack = \"manual\"`), but takes no `Ack`; ");
        panic!("{}", text.str("add an argument `ack: Ack`, or remove `ack = \"manual\"`").get());
    }
}

/// Without `ack = "manual"` no argument settles.
#[track_caller]
pub const fn nobody_settles(function: &str, arguments: &[Argument]) {
    if let Some(argument) = settler(arguments) {
        let text = Message::new().tick(function).str(" takes `").str(argument.type_name);
        panic!(
            "{}",
            text.str("`, but does not settle by hand; write `ack = \"manual\"`, or remove the argument").get()
        );
    }
}

/// The codec is one of every event's. Holds where no argument is an event.
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

/// Middleware that a subscriber lists is not global: it would run twice.
#[track_caller]
pub const fn middleware_is_listed(function: &str, path: &str, middleware: &MiddlewareRegistration) {
    if middleware.global {
        let text = Message::new().tick(path).str(" already runs around every subscriber, ").tick(function);
        panic!("{}", text.str(" among them; remove it here, or write `#[middleware(global = false)]` there").get());
    }
}

/// An argument of middleware leaves the payload alone.
#[track_caller]
pub const fn is_payload_agnostic<A: FromDelivery>(function: &str, type_name: &'static str) {
    let argument = Argument::of::<A>(type_name);
    if argument.reads_payload {
        let text = Message::new().tick(function).str(" is middleware, but its argument ").tick(type_name);
        panic!("{}", text.str(" reads the payload; middleware sees it as bytes, with `cx.message().payload`").get());
    }
    if argument.settles {
        let text = Message::new().tick(function).str(" is middleware, but its argument ").tick(type_name);
        panic!("{}", text.str(" settles the message; return an `Outcome` instead").get());
    }
}

/// The type of `upcast = …` is one event of a lower version.
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
/// While compiling, where the type is itself an enum of events.
#[track_caller]
pub const fn single(events: &str, variant: &str, descriptors: &'static [EventDescriptor]) -> EventDescriptor {
    let [descriptor] = descriptors else {
        let text = Message::new().str("the variant ").tick(variant).str(" of ").tick(events);
        panic!("{}", text.str(" holds an enum of events; list its events as variants of their own").get());
    };
    *descriptor
}

/// No two variants are told apart by nothing.
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

const fn covered(topics: &[&str], topic: &str) -> bool {
    let mut i = 0;
    while i < topics.len() {
        if matches(topics[i], topic) {
            return true;
        }
        i += 1;
    }
    false
}

/// A single entry that matches nothing is told by [`topics_cover_events`], several are told one by one.
const fn any_orphan(topics: &[&str], arguments: &[Argument]) -> bool {
    let mut i = 0;
    while topics.len() > 1 && i < topics.len() {
        if orphan(topics[i], arguments) {
            return true;
        }
        i += 1;
    }
    false
}

const fn orphan(topic: &str, arguments: &[Argument]) -> bool {
    if is_pattern(topic) || !has_events(arguments) {
        return false;
    }
    let mut a = 0;
    while a < arguments.len() {
        let mut e = 0;
        while e < arguments[a].events.len() {
            if same(arguments[a].events[e].topic, topic) {
                return false;
            }
            e += 1;
        }
        a += 1;
    }
    true
}

const fn has_events(arguments: &[Argument]) -> bool {
    let mut a = 0;
    while a < arguments.len() {
        if !arguments[a].events.is_empty() {
            return true;
        }
        a += 1;
    }
    false
}

const fn settler(arguments: &[Argument]) -> Option<Argument> {
    let mut a = 0;
    while a < arguments.len() {
        if arguments[a].settles {
            return Some(arguments[a]);
        }
        a += 1;
    }
    None
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

const fn same(a: &str, b: &str) -> bool {
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
