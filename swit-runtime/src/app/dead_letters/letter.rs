//! A dead letter: the message, and what is known of its death.

use std::time::SystemTime;

use crate::{
    headers::{HeaderValue, names},
    message::Message,
    text::Text,
    transport::{Death, Lying, Place},
};

/// A message that was given up.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Letter {
    /// The whole message, as it lies in the dead-letter queue.
    pub message: Message,
    /// Why: `x-dead-letter-reason`, or the broker's own word (`delivery_limit`, `rejected`, `expired`, `maxlen`) where it
    /// was the broker that gave it up; `unknown` where neither says.
    pub reason: Text,
    /// The last error, one line; none where the broker gave it up.
    pub error: Option<Text>,
    /// How many attempts were made, where swit counted them.
    pub attempts: Option<u32>,
    /// When.
    pub time: Option<SystemTime>,
    /// The topic that it was published to.
    pub topic: Text,
    /// The queue that it died in, and that a replay puts it back into.
    pub queue: Option<Text>,
    /// How often it was handed out of the dead-letter queue before, as the broker counts.
    pub handed_out: u32,
}

impl Letter {
    /// Reads what is known of a message that lies in a dead-letter queue, and tells it from its place.
    ///
    /// Where the broker itself moved it, the broker's word counts: it is the latest, since every copy that swit makes
    /// leaves the broker's history behind; and headers of the same names may be anybody's then.
    pub(super) fn of(lying: Lying) -> (Self, Place) {
        let Lying { message, death, handed_out, place } = lying;
        (Self::read(message, death, handed_out), place)
    }

    pub(in crate::app) fn read(message: Message, death: Option<Death>, handed_out: u32) -> Self {
        let text = |name: &Text| message.headers.get_str(name).map(Text::from);
        let topic = text(&names::ORIGINAL_TOPIC).unwrap_or_else(|| message.topic.clone());
        if let Some(death) = death {
            let (reason, time, queue) = (death.reason, death.time, Some(death.queue));
            return Self { reason, error: None, attempts: None, time, topic, queue, handed_out, message };
        }
        let number = |name: &Text| message.headers.get(name).and_then(HeaderValue::as_integer);
        Self {
            reason: text(&names::DEAD_LETTER_REASON).unwrap_or(Text::from_static("unknown")),
            error: text(&names::DEAD_LETTER_ERROR),
            attempts: number(&names::DEAD_LETTER_ATTEMPTS).and_then(|n| u32::try_from(n).ok()),
            time: text(&names::DEAD_LETTER_TIME).and_then(|time| humantime::parse_rfc3339_weak(&time).ok()),
            topic,
            queue: text(&names::DEAD_LETTER_QUEUE).filter(|queue| !queue.is_empty()),
            handed_out,
            message,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn letter(message: Message, death: Option<Death>) -> Letter {
        Letter::read(message, death, 0)
    }

    #[test]
    fn a_letter_of_swits_own() {
        let message = Message::new("t", "")
            .with_header(names::DEAD_LETTER_REASON, "permanent")
            .with_header(names::DEAD_LETTER_ERROR, "no")
            .with_header(names::DEAD_LETTER_ATTEMPTS, 4)
            .with_header(names::DEAD_LETTER_TIME, "1970-01-01T00:00:01.500Z")
            .with_header(names::DEAD_LETTER_QUEUE, "orders.confirm")
            .with_header(names::ORIGINAL_TOPIC, "first");
        let letter = letter(message, None);
        assert_eq!(
            (letter.reason.as_str(), letter.error.as_deref(), letter.attempts),
            ("permanent", Some("no"), Some(4))
        );
        assert_eq!((letter.topic.as_str(), letter.queue.as_deref()), ("first", Some("orders.confirm")));
        assert_eq!(letter.time, Some(UNIX_EPOCH + Duration::from_millis(1_500)));
    }

    #[test]
    fn the_brokers_word_counts_over_headers_that_anybody_may_have_set() {
        let forged = Message::new("t", "")
            .with_header(names::DEAD_LETTER_QUEUE, "payments.charge")
            .with_header(names::DEAD_LETTER_REASON, "mine");
        let letter = letter(forged, Some(Death::new("delivery_limit", "orders.confirm", None)));
        assert_eq!((letter.reason.as_str(), letter.queue.as_deref()), ("delivery_limit", Some("orders.confirm")));
    }

    #[test]
    fn what_is_not_known_is_said_to_be_unknown() {
        let letter = letter(Message::new("t", "").with_header(names::DEAD_LETTER_TIME, "yesterday"), None);
        assert_eq!((letter.reason.as_str(), letter.topic.as_str()), ("unknown", "t"));
        assert_eq!((letter.queue, letter.time, letter.attempts), (None, None, None));
    }
}
