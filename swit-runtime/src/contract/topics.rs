//! Topics, and the events of the arguments.

use super::{
    argument::{Argument, all_extract, has_events, same},
    text::Message,
};
use crate::topic::{is_pattern, matches};

/// Each event topic is taken by an entry of `topics`. Holds where no argument is an event.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
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
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn topic_is_an_events(function: &str, topic: &str, arguments: &[Argument]) {
    if orphan(topic, arguments) {
        let text = Message::new().tick(function).str(" subscribes to ").quote(topic);
        let text = text.str(", but none of its arguments is an event of that topic; they are of ");
        panic!("{}", text.topics(arguments).get());
    }
}

/// There is a topic: asked where the attribute names neither topic nor queue.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn has_topic(function: &str, arguments: &[Argument]) {
    if !has_events(arguments) && all_extract(arguments) {
        let text = Message::new().tick(function).str(" has no topic: none of its arguments is an event; ");
        panic!("{}", text.str("take an event type, or write `topic = \"…\"` or `queue = \"…\"`").get());
    }
}

/// `event = "…"` is the type of some event of the arguments. Holds where no argument is an event.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
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

pub(super) const fn covered(topics: &[&str], topic: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{EventDescriptor, Newer, Unrouted};

    const EVENTS: &[EventDescriptor] = &[event("order.created"), event("order.paid")];
    const ARGUMENTS: &[Argument] = &[
        Argument { type_name: "State<u8>", extracts: true, events: &[], settles: false, transacts: false },
        Argument { type_name: "Orders", extracts: true, events: EVENTS, settles: false, transacts: false },
    ];

    const fn event(topic: &'static str) -> EventDescriptor {
        let (newer, unrouted) = (Newer::Refuse, Unrouted::Warn);
        EventDescriptor { topic, event_type: topic, version: 1, codecs: &[], newer, unrouted }
    }

    #[test]
    fn topics_that_cover_every_event_pass() {
        for topics in [&["order.*"][..], &["#"], &["order.created", "order.paid"], &["order.created", "*.paid"]] {
            topics_cover_events("f", topics, ARGUMENTS);
        }
        topics_cover_events("f", &["anything"], &ARGUMENTS[..1]);
        topic_is_an_events("f", "order.paid", ARGUMENTS);
        topic_is_an_events("f", "invoice.*", ARGUMENTS);
        filter_is_an_events("f", "order.paid", ARGUMENTS);
        has_topic("f", ARGUMENTS);
    }

    #[test]
    #[should_panic(
        expected = "`f` subscribes to \"order.created\", but its argument `Orders` is an event of topic \"order.paid\""
    )]
    fn an_event_that_no_topic_takes() {
        topics_cover_events("f", &["order.created"], ARGUMENTS);
    }

    #[test]
    #[should_panic(expected = "they are of \"order.created\", \"order.paid\"")]
    fn a_topic_of_no_event() {
        topic_is_an_events("f", "order.deleted", ARGUMENTS);
    }

    #[test]
    fn a_stranger_among_several_is_told_once() {
        // By `topic_is_an_events`, at its own literal.
        topics_cover_events("f", &["order.created", "order.deleted"], ARGUMENTS);
    }

    #[test]
    #[should_panic(expected = "`f` has no topic")]
    fn no_event_and_no_topic() {
        has_topic("f", &ARGUMENTS[..1]);
    }
}
