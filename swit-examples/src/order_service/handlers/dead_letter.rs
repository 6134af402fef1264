//! Where dead letters end: in the ledger of the process that read the line, and in the file that it was asked for.
//!
//! The queue belongs to the group, the line to one process of it. So whoever takes a letter from the queue publishes it
//! whole to [`DEAD_LETTERED`], which every instance hears: the body as it is, and in two headers what the publication
//! replaces.

use std::{convert::Infallible, io};

use serde::Deserialize;
use swit::{Context, FromDelivery, Message, MessageId, PublishError, Publisher, State, Text, subscriber};

use super::LINES;
use crate::order_service::{
    dead_letters::DeadLetterFile,
    events::DEAD_LETTERED,
    ledger::{Ledger, Outcome},
    metrics,
    order::Labels,
};

/// The header with the id that a letter had in its queue.
const ID: &str = "x-letter-id";

/// The header with the topic that a letter was published to.
const TOPIC: &str = "x-letter-topic";

/// A whole message, as it lies in the queue. Copying it copies no payload.
#[derive(Debug)]
pub struct Letter(Message);

impl FromDelivery for Letter {
    type Rejection = Infallible;
    const READS_PAYLOAD: bool = true;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Infallible> {
        Ok(Self(cx.message().clone()))
    }
}

impl Letter {
    /// As it is published on.
    fn wrapped(self) -> Message {
        let Self(mut message) = self;
        // What a transport says of a delivery is nothing that can be published.
        message.headers.retain(|name, _| !name.starts_with("x-swit-") && !matches!(name, "CC" | "BCC"));
        message.headers.insert(ID, message.id.to_string());
        message.headers.insert(TOPIC, message.topic.clone());
        // Derived from the letter's own: told twice, it is the same.
        message.id = MessageId::EMPTY;
        message
    }

    /// As it lay in the queue.
    fn unwrapped(self) -> Message {
        let Self(mut message) = self;
        if let Some(id) = message.headers.remove(ID) {
            message.id = id.as_str().and_then(|id| MessageId::parse(id).ok()).unwrap_or_default();
        }
        if let Some(topic) = message.headers.remove(TOPIC) {
            message.topic = Text::from(topic.to_string());
        }
        message
    }
}

/// Empties the dead-letter queue: tells everybody of each letter. One that can't be told is kept in a dead-letter queue of
/// its own.
#[subscriber(queue = "order-service.dead-letters", prefetch = 256, retries = 100)]
pub async fn tell_dead_letter(letter: Letter, publisher: Publisher) -> Result<(), PublishError> {
    publisher.publish_to(DEAD_LETTERED, letter.wrapped()).await.map(drop)
}

/// Empties the queue of orders that are not paid, in the same way.
#[subscriber(queue = "payment.events.dlq", prefetch = 256, retries = 100)]
pub async fn tell_unpaid(letter: Letter, publisher: Publisher) -> Result<(), PublishError> {
    publisher.publish_to(DEAD_LETTERED, letter.wrapped()).await.map(drop)
}

/// Closes the line of a dead letter, and writes the letter. One that can't be written is kept in a dead-letter queue of its
/// own, and the run ends with an error.
#[subscriber(topic = "order.dead-lettered", group = per_instance, prefetch = 256, retries = 0)]
pub async fn file_dead_letter(
    letter: Letter,
    ledger: State<Ledger>,
    file: State<DeadLetterFile>,
) -> Result<(), io::Error> {
    let line = ledger.line_of(letter.0.correlation_id.as_deref());
    if line.is_none() {
        // Whoever read it has the file for it.
        return Ok(());
    }
    let message = letter.unwrapped();
    let reason = message.headers.get_str("x-dead-letter-reason").unwrap_or("unknown");
    // Closed again, it was delivered again, and is written already.
    let (outcome, labels) = (Outcome::DeadLettered(Text::from(reason)), labels(&message));
    if !ledger.close(line, &outcome, labels) {
        return Ok(());
    }
    metrics::processed(&outcome, labels);
    file.write(line, &message)
}

/// What the order of a dead letter is counted by, where there was one.
fn labels(message: &Message) -> Option<Labels> {
    #[derive(Deserialize)]
    struct Labelled {
        labels: Labels,
    }
    if message.topic == LINES {
        return None;
    }
    serde_json::from_slice(&message.payload).ok().map(|Labelled { labels }| labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_told_whole() {
        let id = MessageId::parse("0198c0de-0000-7000-8000-000000000000").unwrap();
        let letter =
            Message::new("payment.failed", r#"{"labels":{"type":"gift"}}"#).with_id(id).with_header("x-line", 7);
        let told = Letter(letter.clone()).wrapped();
        assert!(told.id.is_empty() && told.headers.len() == 3);
        assert_eq!(Letter(told).unwrapped(), letter);
        let foreign = letter.clone().with_header("CC", "[order.created]").with_header("x-swit-attempt", 4);
        assert_eq!(Letter(Letter(foreign).wrapped()).unwrapped(), letter, "what can't be published is left behind");
        assert_eq!(labels(&letter).unwrap().order_type, crate::order_service::order::OrderType::Gift);
        assert_eq!(labels(&Message::new(LINES, r#"{"labels":{}}"#)), None);
    }
}
