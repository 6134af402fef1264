//! Names and attributes of spans, as the messaging conventions spell them.

use opentelemetry::{KeyValue, trace::Status};

use crate::{
    context::Receiver,
    id::MessageId,
    message::Message,
    outcome::{Failure, FailureKind, cap, escape},
    trace::Settling,
};

/// Bytes of a text that a failed span shows.
const LONGEST_TEXT: usize = 1_024;

/// Bytes of a reason, as in a dead letter.
const LONGEST_REASON: usize = 255;

fn system(system: &'static str, name: &'static str, operation: &'static str) -> [KeyValue; 3] {
    [
        KeyValue::new("messaging.system", system),
        KeyValue::new("messaging.operation.name", name),
        KeyValue::new("messaging.operation.type", operation),
    ]
}

fn message(into: &mut Vec<KeyValue>, system: &'static str, message: &Message) {
    // A publication outside of a delivery gets its id later.
    if !message.id.is_empty() {
        into.push(id(&message.id));
    }
    into.push(KeyValue::new("messaging.message.body.size", bytes(message)));
    if let Some(conversation) = &message.correlation_id {
        into.push(KeyValue::new("messaging.message.conversation_id", conversation.to_string()));
    }
    if system == "rabbitmq" {
        into.push(KeyValue::new("rabbitmq.destination.routing_key", message.topic.to_string()));
    }
}

pub(super) fn id(id: &MessageId) -> KeyValue {
    KeyValue::new("messaging.message.id", id.to_string())
}

fn bytes(message: &Message) -> i64 {
    i64::try_from(message.payload.len()).unwrap_or(i64::MAX)
}

fn receiver(into: &mut Vec<KeyValue>, receiver: &Receiver) {
    into.push(KeyValue::new("messaging.destination.name", receiver.queue.to_string()));
    into.push(KeyValue::new("messaging.consumer.group.name", receiver.group.to_string()));
    into.push(KeyValue::new("swit.subscriber", receiver.subscriber.to_string()));
}

/// Of an attempt.
pub(super) fn process(messaging: &'static str, of: &Receiver, one: &Message, attempt: u32) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(13);
    all.extend(system(messaging, "process", "process"));
    receiver(&mut all, of);
    message(&mut all, messaging, one);
    all.push(KeyValue::new("swit.topic", one.topic.to_string()));
    all.push(KeyValue::new("swit.attempt", i64::from(attempt)));
    all
}

/// Of an attempt at several messages.
pub(super) fn process_batch(messaging: &'static str, of: &Receiver, messages: usize) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(7);
    all.extend(system(messaging, "process", "process"));
    receiver(&mut all, of);
    all.push(KeyValue::new("messaging.batch.message_count", i64::try_from(messages).unwrap_or(i64::MAX)));
    all
}

/// Of a settlement.
pub(super) fn settle(messaging: &'static str, of: &Receiver, one: &Message, how: Settling<'_>) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(9);
    all.extend(system(messaging, how.name(), "settle"));
    receiver(&mut all, of);
    all.push(id(&one.id));
    all.push(KeyValue::new("swit.topic", one.topic.to_string()));
    all.extend(how.reason().map(|text| reason("swit.reason", text)));
    all
}

/// Of what one event handler of a composite does, which no convention names.
pub(super) fn handle(of: &Receiver, handler: &'static str) -> Vec<KeyValue> {
    vec![KeyValue::new("swit.handler", handler), KeyValue::new("swit.subscriber", of.subscriber.to_string())]
}

/// Why a message was given up, which a handler may have said of what is in it: one line, escaped and not too long.
pub(super) fn reason(key: &'static str, reason: &str) -> KeyValue {
    KeyValue::new(key, cap(&escape(reason), LONGEST_REASON).into_owned())
}

/// Of a publication.
pub(super) fn send(messaging: &'static str, one: &Message) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(9);
    all.extend(system(messaging, "send", "send"));
    all.push(KeyValue::new("messaging.destination.name", one.topic.to_string()));
    message(&mut all, messaging, one);
    all
}

/// What a failed span says: one line, escaped and not too long.
pub(super) fn failed(text: &str) -> Status {
    Status::error(cap(&escape(text), LONGEST_TEXT).into_owned())
}

/// The kind of a failed attempt: what ended it, where that was not an error of the handler's, else the error's class.
pub(super) fn error_type(failure: &Failure) -> &'static str {
    match failure.kind() {
        FailureKind::Handler => failure.class().as_str(),
        FailureKind::Decode => "decode",
        FailureKind::Extract => "extract",
        FailureKind::Publish => "publish",
        FailureKind::Panic => "panic",
        FailureKind::Timeout => "timeout",
        FailureKind::Store => "store",
    }
}
