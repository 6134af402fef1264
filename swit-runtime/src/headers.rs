//! Message headers, and the names of those that are swit's own.

use std::{fmt, sync::Arc};

use bytes::Bytes;

use crate::text::Text;

/// The headers that swit writes and reads. Those that start with `x-swit-` belong to it.
pub mod names {
    use crate::text::Text;

    macro_rules! names {
        ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => { $($(#[$doc])* pub const $name: Text = Text::from_static($text);)* };
    }

    names! {
        /// The attempt that this delivery is, counted from 1 (integer). Missing means 1.
        ATTEMPT = "x-swit-attempt";
        /// The topic that a copy, addressed to a queue, was first published to.
        TOPIC = "x-swit-topic";
        /// Why a message was dead-lettered: a closed set, or the user's own word.
        DEAD_LETTER_REASON = "x-dead-letter-reason";
        /// The last error, one line, at most 4 KiB.
        DEAD_LETTER_ERROR = "x-dead-letter-error";
        /// When it was dead-lettered (RFC 3339, UTC).
        DEAD_LETTER_TIME = "x-dead-letter-time";
        /// The topic that it was published to. Set once, never overwritten.
        ORIGINAL_TOPIC = "x-original-topic";
        /// The subscriber that gave it up.
        DEAD_LETTER_SUBSCRIBER = "x-dead-letter-subscriber";
        /// That subscriber's consumer group.
        DEAD_LETTER_GROUP = "x-dead-letter-group";
        /// How many attempts were made (integer).
        DEAD_LETTER_ATTEMPTS = "x-dead-letter-attempts";
        /// The class of the last error.
        DEAD_LETTER_CLASS = "x-dead-letter-class";
        /// The queue that it was consumed from.
        DEAD_LETTER_QUEUE = "x-dead-letter-queue";
        /// The key of a message, where the broker's protocol has no place for it.
        KEY = "x-swit-key";
        /// The version of the event type (integer), likewise.
        VERSION = "x-swit-version";
        /// The id of the message whose handling published this one, likewise.
        CAUSATION_ID = "x-swit-causation-id";
        /// When it was published, in milliseconds since 1970 (integer), where the protocol knows whole seconds only.
        TIMESTAMP = "x-swit-timestamp";
        /// The number of a publication on its channel (integer): tells which one the broker returned.
        SEQUENCE = "x-swit-sequence";
        /// The event handlers of a composite that have succeeded, behind the consumer that they belong to:
        /// `group.subscriber: reserve-stock,set-price`. They are not run again, also when a dead letter is replayed.
        DONE = "x-swit-done";
        /// The event handlers of a composite that were given up while others are tried again: the consumer, then a line each.
        GIVEN_UP = "x-swit-given-up";
        /// The names of headers that a copy had to leave behind, since all of them together are more than a frame holds.
        DROPPED_HEADERS = "x-swit-dropped-headers";
        /// The span of the attempt that a copy was made after, as a `traceparent`: the next one links to it.
        AFTER_ATTEMPT = "x-swit-after-attempt";
        /// The trace and the span that a message was published in ([W3C](https://www.w3.org/TR/trace-context/)).
        TRACEPARENT = "traceparent";
        /// What tracing systems add to that, each for itself.
        TRACESTATE = "tracestate";
        /// What travels with the trace ([W3C](https://www.w3.org/TR/baggage/)).
        BAGGAGE = "baggage";
    }
}

/// Whether a header of this name can't be published by hand. RabbitMQ takes `CC` and `BCC` for lists of further routing
/// keys, and ends the channel, with all that is on its way, when they are anything else.
pub(crate) fn is_reserved(name: &str) -> bool {
    name.starts_with("x-swit-") || matches!(name, "CC" | "BCC")
}

/// A header's value. The kinds are those that every transport can carry without loss.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum HeaderValue {
    /// UTF-8 text.
    Text(Text),
    /// A whole number.
    Integer(i64),
    /// A floating point number.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Raw bytes.
    Bytes(Bytes),
}

impl HeaderValue {
    /// The text, where it is text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, where it is one or a text that spells one.
    pub fn as_integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// Bytes that the value takes up, as the limit counts them.
    pub fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Integer(_) | Self::Float(_) => 8,
            Self::Bool(_) => 1,
        }
    }
}

impl fmt::Display for HeaderValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => f.pad(text),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Bool(value) => value.fmt(f),
            Self::Bytes(bytes) => write!(f, "{}", bytes.escape_ascii()),
        }
    }
}

macro_rules! into_value {
    ($($from:ty => $kind:ident),* $(,)?) => { $(impl From<$from> for HeaderValue {
        fn from(value: $from) -> Self { Self::$kind(value.into()) }
    })* };
}
into_value!(&str => Text, String => Text, Text => Text, i64 => Integer, i32 => Integer, u32 => Integer, f64 => Float, bool => Bool, Bytes => Bytes);

/// The headers of a message, in the order they were set; a name stands once. Two are equal whatever their order, which
/// not every transport keeps.
///
/// No headers take no memory, and copies share theirs until one of them changes.
#[derive(Clone, Default)]
pub struct Headers(Option<Arc<Vec<(Text, HeaderValue)>>>);

impl Headers {
    /// No headers.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The value of this name.
    pub fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.0.as_deref()?.iter().find(|(known, _)| known.as_str() == name).map(|(_, value)| value)
    }

    /// The text of this name, where it is text.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// Sets a value; the one that stood there is returned.
    pub fn insert(&mut self, name: impl Into<Text>, value: impl Into<HeaderValue>) -> Option<HeaderValue> {
        let (name, value) = (name.into(), value.into());
        let list = Arc::make_mut(self.0.get_or_insert_default());
        if let Some((_, old)) = list.iter_mut().find(|(known, _)| *known == name) {
            Some(std::mem::replace(old, value))
        } else {
            list.push((name, value));
            None
        }
    }

    /// Removes a name; its value is returned.
    pub fn remove(&mut self, name: &str) -> Option<HeaderValue> {
        let index = self.0.as_deref()?.iter().position(|(known, _)| known.as_str() == name)?;
        Some(Arc::make_mut(self.0.as_mut()?).remove(index).1)
    }

    /// Keeps the headers that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&str, &HeaderValue) -> bool) {
        if let Some(list) = &mut self.0 {
            Arc::make_mut(list).retain(|(name, value)| keep(name, value));
        }
    }

    /// All headers, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &HeaderValue)> {
        self.0.as_deref().into_iter().flatten().map(|(name, value)| (name.as_str(), value))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.as_deref().map_or(0, Vec::len)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all names and values together, as the limit counts them.
    pub fn size(&self) -> usize {
        self.iter().map(|(name, value)| name.len() + value.size()).sum()
    }
}

impl PartialEq for Headers {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<N: Into<Text>, V: Into<HeaderValue>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in pairs {
            headers.insert(name, value);
        }
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_once_and_order_is_kept() {
        let mut headers: Headers = [("b", 1), ("a", 2)].into_iter().collect();
        assert_eq!(headers.insert("b", "new"), Some(HeaderValue::Integer(1)));
        assert_eq!(headers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["b", "a"]);
        assert_eq!(headers.remove("b"), Some(HeaderValue::from("new")));
        assert_eq!(headers.remove("b"), None);
        assert_eq!(headers.size(), 9);
    }

    #[test]
    fn copies_do_not_see_each_others_changes() {
        let first: Headers = [("a", 1)].into_iter().collect();
        let mut second = first.clone();
        second.insert("a", 2);
        assert_eq!(first.get("a"), Some(&HeaderValue::Integer(1)));
        assert_ne!(first, second);
    }
}
