//! Which dead letters are meant.

use std::time::{Duration, SystemTime};

use super::Letter;
use crate::text::Text;

/// Which dead letters are meant: all, or those that meet every condition that was set.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Selection {
    ids: Vec<Text>,
    reasons: Vec<Text>,
    older_than: Option<Duration>,
}

impl Selection {
    /// All of them.
    pub fn all() -> Self {
        Self::default()
    }

    /// With this id, or another one that was named.
    pub fn id(mut self, id: impl Into<Text>) -> Self {
        self.ids.push(id.into());
        self
    }

    /// Given up for this reason, or another one that was named.
    pub fn reason(mut self, reason: impl Into<Text>) -> Self {
        self.reasons.push(reason.into());
        self
    }

    /// Given up longer ago than this. What does not say when it was given up is not meant.
    pub fn older_than(mut self, age: Duration) -> Self {
        self.older_than = Some(age);
        self
    }

    pub(super) fn takes(&self, letter: &Letter, now: SystemTime) -> bool {
        let is_named = || {
            let mut buffer = [0; 36];
            let id = letter.message.id.encode(&mut buffer);
            self.ids.iter().any(|known| known == id)
        };
        let is_old =
            |age: Duration| letter.time.is_some_and(|time| now.duration_since(time).is_ok_and(|passed| passed > age));
        (self.ids.is_empty() || is_named())
            && (self.reasons.is_empty() || self.reasons.contains(&letter.reason))
            && self.older_than.is_none_or(is_old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        headers::names,
        id::MessageId,
        message::Message,
        transport::{Lying, Place},
    };

    #[test]
    fn every_condition_has_to_be_met() {
        let message = Message::new("t", "")
            .with_id(MessageId::parse("a").unwrap())
            .with_header(names::DEAD_LETTER_REASON, "permanent")
            .with_header(names::DEAD_LETTER_TIME, "1970-01-01T00:00:00Z");
        let (letter, _) = Letter::of(Lying::new(message, 0, None, Place(1)));
        let now = SystemTime::UNIX_EPOCH + Duration::from_mins(1);
        let all = Selection::all;
        for (selection, expected) in [
            (all(), true),
            (all().id("a"), true),
            (all().id("b").id("a"), true),
            (all().id("b"), false),
            (all().reason("permanent"), true),
            (all().reason("invalid_input"), false),
            (all().id("a").reason("invalid_input"), false),
            (all().older_than(Duration::from_secs(59)), true),
            (all().older_than(Duration::from_mins(1)), false),
        ] {
            assert_eq!(selection.takes(&letter, now), expected, "{selection:?}");
        }
        let (timeless, _) = Letter::of(Lying::new(Message::new("t", ""), 0, None, Place(1)));
        assert!(!all().older_than(Duration::ZERO).takes(&timeless, now));
        assert!(!all().older_than(Duration::ZERO).takes(&letter, SystemTime::UNIX_EPOCH - Duration::from_secs(1)));
    }
}
