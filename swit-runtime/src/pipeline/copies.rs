//! The copies that settlement makes: the delayed one for a retry, the dead letter.

use std::time::{Duration, SystemTime};

use super::Plan;
use crate::{
    headers::{Headers, names},
    message::Message,
    outcome::{Failure, cap, escape},
    text::Text,
    trace::{Flow, Ids},
};

/// Headers that a broker sets on what it delivers and that mean something else on a copy: it would take a retry for a
/// cycle, or count one message's deaths against another.
fn belongs_to_the_broker(name: &str) -> bool {
    matches!(name, "CC" | "BCC" | "x-death" | "x-delivery-count")
        || name.starts_with("x-death-")
        || name.starts_with("x-first-death-")
        || name.starts_with("x-last-death-")
}

/// What settlement adds to a dead letter, and a replay takes off again.
const OF_A_DEATH: [Text; 8] = [
    names::DEAD_LETTER_REASON,
    names::DEAD_LETTER_ERROR,
    names::DEAD_LETTER_CLASS,
    names::DEAD_LETTER_TIME,
    names::DEAD_LETTER_SUBSCRIBER,
    names::DEAD_LETTER_GROUP,
    names::DEAD_LETTER_QUEUE,
    names::DEAD_LETTER_ATTEMPTS,
];

/// Whether settlement adds a header of this name to its copies. A closed set, so that nobody hides a header bomb in it.
pub(super) fn adds(name: &str) -> bool {
    const ADDED: [Text; 6] =
        [names::ATTEMPT, names::TOPIC, names::ORIGINAL_TOPIC, names::DONE, names::GIVEN_UP, names::AFTER_ATTEMPT];
    ADDED.iter().chain(&OF_A_DEATH).any(|added| added.as_str() == name)
}

fn copy(message: &Message) -> Message {
    let mut copy = message.clone();
    copy.headers.retain(|name, _| !belongs_to_the_broker(name));
    // A copy that expires is a message lost.
    copy.ttl = None;
    copy
}

/// The copy of a copy that was made after this attempt, if that was recorded.
pub(super) fn after(mut copy: Message, flow: Option<&Flow>) -> Message {
    match flow.map(Flow::ids).filter(Ids::is_sampled) {
        Some(ids) => {
            copy.headers.insert(names::AFTER_ATTEMPT, ids.traceparent());
        }
        None => {
            copy.headers.remove(&names::AFTER_ATTEMPT);
        }
    }
    copy
}

/// The copy that comes back for attempt number `attempt`.
pub(super) fn delayed(message: &Message, attempt: u32) -> Message {
    let mut copy = copy(message);
    copy.headers.insert(names::ATTEMPT, attempt);
    copy.headers.insert(names::TOPIC, message.topic.clone());
    copy
}

/// The copy that goes to the dead-letter queue: the whole message, and why.
pub(super) fn dead_letter(
    plan: &Plan,
    message: &Message,
    reason: &Text,
    failure: Option<&Failure>,
    attempts: u32,
) -> Message {
    let mut copy = copy(message);
    let headers = &mut copy.headers;
    headers.remove(&names::ATTEMPT);
    // What it says is in the error. What is done stays done: a replay runs what is missing.
    headers.remove(&names::GIVEN_UP);
    headers.insert(names::TOPIC, message.topic.clone());
    if headers.get(&names::ORIGINAL_TOPIC).is_none() {
        headers.insert(names::ORIGINAL_TOPIC, message.topic.clone());
    }
    headers.insert(names::DEAD_LETTER_REASON, cap(&escape(reason), 255).into_owned());
    set_or_remove(headers, names::DEAD_LETTER_ERROR, failure.map(Failure::text));
    set_or_remove(headers, names::DEAD_LETTER_CLASS, failure.map(|failure| failure.class().as_str().to_owned()));
    headers.insert(names::DEAD_LETTER_TIME, rfc3339(plan.scope.clock().now()));
    headers.insert(names::DEAD_LETTER_SUBSCRIBER, plan.receiver.subscriber.clone());
    headers.insert(names::DEAD_LETTER_GROUP, plan.receiver.group.clone());
    headers.insert(names::DEAD_LETTER_QUEUE, plan.receiver.queue.clone());
    headers.insert(names::DEAD_LETTER_ATTEMPTS, attempts);
    copy
}

/// The copy of a dead letter that goes back to its queue: as new, with its id. Where it was published to stays written in
/// `x-original-topic`, which is set once and never overwritten, should it die again.
pub(crate) fn replayed(message: &Message) -> Message {
    let mut copy = copy(message);
    copy.headers.retain(|name, _| name != names::ATTEMPT.as_str() && !OF_A_DEATH.iter().any(|added| added == name));
    copy
}

/// A message that dies a second time must not carry the first death's error.
fn set_or_remove(headers: &mut Headers, name: Text, value: Option<String>) {
    match value {
        Some(value) => {
            headers.insert(name, value);
        }
        None => {
            headers.remove(&name);
        }
    }
}

/// RFC 3339, UTC, to the millisecond. What lies outside of the years 1970 to 9999, which the format can't say, is
/// taken for the nearest moment that it can.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    const LAST_SECOND: Duration = Duration::from_secs(253_402_300_799);
    let time = time.clamp(SystemTime::UNIX_EPOCH, SystemTime::UNIX_EPOCH + LAST_SECOND);
    humantime::format_rfc3339_millis(time).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_is_as_new() {
        let mut letter = Message::new("order.created", "{}").with_header("own", 1).with_ttl(Duration::from_secs(1));
        for name in OF_A_DEATH.into_iter().chain([names::ATTEMPT]) {
            letter.headers.insert(name, "x");
        }
        for name in ["x-death", "x-first-death-reason", "x-delivery-count", "CC"] {
            letter.headers.insert(name, "x");
        }
        letter.headers.insert(names::ORIGINAL_TOPIC, "order.created");
        let copy = replayed(&letter);
        let names: Vec<&str> = copy.headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["own", "x-original-topic"]);
        assert_eq!((copy.id, copy.topic, copy.payload, copy.ttl), (letter.id, letter.topic, letter.payload, None));
    }

    #[test]
    fn any_time_can_be_written() {
        let epoch = SystemTime::UNIX_EPOCH;
        for (time, text) in [
            (epoch + Duration::from_millis(1_500), "1970-01-01T00:00:01.500Z"),
            (epoch - Duration::from_secs(1), "1970-01-01T00:00:00.000Z"),
            (epoch + Duration::from_secs(1 << 50), "9999-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(rfc3339(time), text);
        }
    }
}
