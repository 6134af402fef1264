//! What a message carries of its event handlers: those that are done, and those that were given up while others are tried
//! again. Only the subscriber that wrote it reads it: what a dead letter says to somebody else's composite is nothing.

use crate::{
    classify::Class,
    context::Receiver,
    headers::{Headers, names},
    outcome::{cap, escape},
    text::Text,
};

/// Most bytes of a reason that is carried.
const MAX_REASON: usize = 100;
/// Most bytes of all errors that are carried.
const MAX_TEXTS: usize = 8 * 1024;

/// A handler that was given up, as it is remembered until the others are through.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GivenUp {
    pub(super) name: String,
    pub(super) reason: Text,
    pub(super) class: Class,
    pub(super) text: String,
}

/// The names of those that are done.
pub(super) fn done<'a>(headers: &'a Headers, receiver: &Receiver) -> impl Iterator<Item = &'a str> {
    let list = headers.get_str(&names::DONE).and_then(|text| own(text, receiver));
    list.into_iter().flat_map(|list| list.trim_start().split(','))
}

/// Those that were given up. What can't be read is left out: they are tried again.
pub(super) fn given_up(headers: &Headers, receiver: &Receiver) -> Vec<GivenUp> {
    let lines = headers.get_str(&names::GIVEN_UP).and_then(|text| own(text, receiver));
    lines.into_iter().flat_map(str::lines).filter_map(line).collect()
}

fn line(line: &str) -> Option<GivenUp> {
    let mut parts = line.splitn(4, '\t');
    let (name, reason, class, text) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let class = class_of(class)?;
    Some(GivenUp { name: name.to_owned(), reason: Text::from(reason), class, text: text.to_owned() })
}

fn class_of(name: &str) -> Option<Class> {
    let all = [Class::Transient, Class::Throttle, Class::InvalidInput, Class::SystemFailure, Class::Permanent];
    all.into_iter().find(|class| class.as_str() == name)
}

/// What stands behind this consumer's name, if it is this consumer's.
fn own<'a>(text: &'a str, receiver: &Receiver) -> Option<&'a str> {
    let rest = text.strip_prefix(&*receiver.group)?.strip_prefix('.')?;
    rest.strip_prefix(&*receiver.subscriber)?.strip_prefix(':')
}

/// Writes both; what is empty is taken off.
pub(super) fn write(headers: &mut Headers, receiver: &Receiver, done: &[&str], given_up: &[GivenUp]) {
    let consumer = format!("{}.{}:", receiver.group, receiver.subscriber);
    if done.is_empty() {
        headers.remove(&names::DONE);
    } else {
        headers.insert(names::DONE, format!("{consumer} {}", done.join(",")));
    }
    if given_up.is_empty() {
        headers.remove(&names::GIVEN_UP);
        return;
    }
    let room = MAX_TEXTS / given_up.len();
    let mut text = consumer;
    for handler in given_up {
        // Neither holds a tab or a line break: those are escaped.
        let (reason, error) = (escape(&handler.reason), escape(&handler.text));
        let (reason, error) = (cap(&reason, MAX_REASON), cap(&error, room));
        text.extend(["\n", &handler.name, "\t", &reason, "\t", handler.class.as_str(), "\t", &error]);
    }
    headers.insert(names::GIVEN_UP, text);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn receiver(subscriber: &str) -> Receiver {
        Receiver::new(subscriber.to_owned(), "shop", "q", "default", Duration::from_secs(1))
    }

    #[test]
    fn what_is_written_is_read_by_its_own_consumer_alone() {
        let mut headers = Headers::new();
        let lost = GivenUp {
            name: "price".into(),
            reason: "odd\treason\n".to_owned().into(),
            class: Class::Permanent,
            text: "two\nlines".into(),
        };
        write(&mut headers, &receiver("orders"), &["a", "b"], &[lost]);
        assert_eq!(headers.get_str(&names::DONE), Some("shop.orders: a,b"));
        assert_eq!(done(&headers, &receiver("orders")).collect::<Vec<_>>(), ["a", "b"]);
        let read = given_up(&headers, &receiver("orders"));
        assert_eq!((read.len(), read[0].reason.as_str(), read[0].text.as_str()), (1, "odd\\treason\\n", "two\\nlines"));
        for other in ["order", "orders2", "x"] {
            assert_eq!(done(&headers, &receiver(other)).count(), 0, "{other}");
            assert!(given_up(&headers, &receiver(other)).is_empty(), "{other}");
        }
        write(&mut headers, &receiver("orders"), &[], &[]);
        assert!(headers.is_empty());
    }

    #[test]
    fn what_is_carried_is_bounded() {
        let lost = |n: usize| GivenUp {
            name: format!("{n:0>100}"),
            reason: "r".repeat(1_000).into(),
            class: Class::Permanent,
            text: "ß".repeat(4_000),
        };
        let all: Vec<GivenUp> = (0..crate::limits::MAX_EVENT_HANDLERS).map(lost).collect();
        let mut headers = Headers::new();
        write(&mut headers, &receiver("orders"), &[], &all);
        assert!(headers.size() < 24 * 1024, "{}", headers.size());
        assert_eq!(given_up(&headers, &receiver("orders")).len(), all.len());
    }

    #[test]
    fn nonsense_is_nobody() {
        let mut headers = Headers::new();
        headers.insert(names::GIVEN_UP, "shop.orders:\nprice\tx\nprice\tr\tno class\ttext\n\n");
        headers.insert(names::DONE, "shop.orders");
        assert!(given_up(&headers, &receiver("orders")).is_empty());
        assert_eq!(done(&headers, &receiver("orders")).count(), 0);
    }
}
