//! Where on the broker a publication goes: the exchange and the routing key.

use super::names::{self, LONGEST_DELAY, Step};
use crate::{
    error::PublishError,
    text::Text,
    transport::{Publication, Room, Target},
};

/// What a publication is addressed to, in words.
pub(super) fn destination(publication: &Publication) -> Text {
    match &publication.target {
        Target::Topic => publication.message.topic.clone(),
        Target::Queue(queue) => queue.clone(),
    }
}

/// The exchange and the routing key of a publication, where events are published to `exchange`.
///
/// # Errors
/// [`PublishError::Refused`]: it asks for what the broker can't do.
pub(super) fn of(publication: &Publication, exchange: &Text) -> Result<(Text, Text), PublishError> {
    let is_delayed = !publication.delay.is_zero();
    if is_delayed && publication.delay > LONGEST_DELAY && publication.room != Room::Replaces {
        let reason = format!("the longest delay is {}", swit_grammar::duration::format(LONGEST_DELAY));
        return Err(PublishError::Refused { destination: destination(publication), reason });
    }
    if let Some(ttl) = publication.message.ttl {
        // The broker ends the channel of whoever asks for more.
        let reason = if ttl.as_millis() > u128::from(u32::MAX) {
            Some(format!("the longest time to live is {} ms", u32::MAX))
        } else {
            is_delayed.then(|| {
                "it has a delay and a time to live, and would expire where it waits; leave one of them out".to_owned()
            })
        };
        if let Some(reason) = reason {
            return Err(PublishError::Refused { destination: destination(publication), reason });
        }
    }
    let step = Step::of(publication.delay);
    Ok(match &publication.target {
        Target::Topic if is_delayed => (names::delay(exchange, step), publication.message.topic.clone()),
        Target::Topic => (exchange.clone(), publication.message.topic.clone()),
        Target::Queue(queue) if is_delayed => (Text::default(), names::retry_queue(queue, step)),
        Target::Queue(queue) => (Text::default(), queue.clone()),
    })
}
