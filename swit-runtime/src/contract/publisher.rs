//! Publishers and their events.

use super::{argument::same, text::Message};
use crate::event::{EventDescriptor, EventKey};

/// The topic that a publisher names is its event's.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn topic_is_the_events(publisher: &str, event: &str, topic: &str, descriptors: &[EventDescriptor]) {
    let mut i = 0;
    while i < descriptors.len() {
        if !same(descriptors[i].topic, topic) {
            let text = Message::new().str("the publisher ").tick(publisher).str(" names the topic ").quote(topic);
            let text = text.str(", but ").tick(event).str(" is published to ").quote(descriptors[i].topic);
            panic!("{}", text.str("; a topic belongs to its event: remove `topic`, or publish another event").get());
        }
        i += 1;
    }
}

/// `partition = key` has a key.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn event_has_key(publisher: &str, event: &str, key: EventKey) {
    if let EventKey::None = key {
        let text = Message::new().str("the publisher ").tick(publisher).str(" partitions by the key of ").tick(event);
        panic!("{}", text.str(", which has none; name a field, or write `#[event(key = …)]`").get());
    }
}

/// The field that a publisher partitions by does not contradict the event's own key.
///
/// # Panics
/// While compiling, at the caller, with the message that the user reads.
#[track_caller]
pub const fn partition_is_the_key(publisher: &str, event: &str, field: &str, key: EventKey) {
    match key {
        EventKey::None => {}
        EventKey::Field(key) => {
            if !same(key, field) {
                let text = Message::new().str("the publisher ").tick(publisher).str(" partitions by ").tick(field);
                let text = text.str(", but the key of ").tick(event).str(" is ").tick(key);
                panic!("{}", text.str(", by which its subscribers keep order; remove one of them").get());
            }
        }
        EventKey::OfVariants => {
            let text = Message::new().str("the publisher ").tick(publisher).str(" partitions by ").tick(field);
            let text =
                text.str(", but ").tick(event).str(" is an enum of events, whose variants have keys of their own");
            panic!("{}", text.str("; remove `partition`").get());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Newer, Unrouted};

    const EVENT: EventDescriptor = EventDescriptor {
        topic: "order.created",
        event_type: "OrderCreated",
        version: 1,
        codecs: &[],
        newer: Newer::Refuse,
        unrouted: Unrouted::Warn,
    };

    #[test]
    fn what_agrees_passes() {
        topic_is_the_events("p", "E", "order.created", &[EVENT]);
        event_has_key("p", "E", EventKey::Field("id"));
        event_has_key("p", "E", EventKey::OfVariants);
        partition_is_the_key("p", "E", "id", EventKey::Field("id"));
        partition_is_the_key("p", "E", "id", EventKey::None);
    }

    #[test]
    #[should_panic(expected = "`p` names the topic \"order.paid\", but `E` is published to \"order.created\"")]
    fn another_topic() {
        topic_is_the_events("p", "E", "order.paid", &[EVENT]);
    }

    #[test]
    #[should_panic(expected = "partitions by `name`, but the key of `E` is `id`")]
    fn another_key() {
        partition_is_the_key("p", "E", "name", EventKey::Field("id"));
    }
}
