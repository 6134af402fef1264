//! Names and attributes of spans, as the messaging conventions spell them.

use opentelemetry::{KeyValue, trace::Status};

use crate::{
    context::Receiver,
    id::MessageId,
    message::Message,
    outcome::{Failure, FailureKind, cap, escape},
    text::Text,
    trace::Settling,
    transport::Transport,
};

/// Bytes of a text that a failed span shows.
const LONGEST_TEXT: usize = 1_024;

/// Bytes of a reason, as in a dead letter.
const LONGEST_REASON: usize = 255;

/// The messaging system behind a transport.
#[derive(Debug, Clone)]
pub(crate) struct System {
    name: &'static str,
    exchange: Option<Text>,
}

impl System {
    /// That of a transport.
    pub(crate) fn of(transport: &dyn Transport) -> Self {
        Self { name: transport.system(), exchange: transport.exchange().map(Text::from) }
    }

    /// Where nobody knows the transport.
    pub(super) const UNKNOWN: Self = Self { name: "swit", exchange: None };

    fn operation(&self, name: &'static str, kind: &'static str) -> [KeyValue; 3] {
        [
            KeyValue::new("messaging.system", self.name),
            KeyValue::new("messaging.operation.name", name),
            KeyValue::new("messaging.operation.type", kind),
        ]
    }

    /// Names the destination: the queue, else the topic. On RabbitMQ that is the template, which the span is named after, and
    /// the name `{exchange}:{routing key}:{queue}`, of which what there is not, or is there twice, is left out.
    fn destination(&self, into: &mut Vec<KeyValue>, topic: Option<&str>, queue: Option<&str>) {
        let short = queue.or(topic).unwrap_or_default();
        let name = match &self.exchange {
            None => short.to_owned(),
            Some(exchange) => {
                into.push(KeyValue::new("messaging.destination.template", short.to_owned()));
                let queue = queue.filter(|queue| Some(*queue) != topic);
                let parts = [Some(&**exchange), topic, queue].into_iter().flatten().filter(|part| !part.is_empty());
                parts.collect::<Vec<_>>().join(":")
            }
        };
        into.push(KeyValue::new("messaging.destination.name", name));
    }
}

fn message(into: &mut Vec<KeyValue>, system: &System, message: &Message) {
    // A publication outside of a delivery gets its id later.
    if !message.id.is_empty() {
        into.push(id(&message.id));
    }
    into.push(KeyValue::new("messaging.message.body.size", bytes(message)));
    if let Some(conversation) = &message.correlation_id {
        into.push(KeyValue::new("messaging.message.conversation_id", conversation.to_string()));
    }
    if system.name == "rabbitmq" {
        into.push(KeyValue::new("rabbitmq.destination.routing_key", message.topic.to_string()));
    }
}

pub(super) fn id(id: &MessageId) -> KeyValue {
    KeyValue::new("messaging.message.id", id.to_string())
}

fn bytes(message: &Message) -> i64 {
    i64::try_from(message.payload.len()).unwrap_or(i64::MAX)
}

fn receiver(into: &mut Vec<KeyValue>, system: &System, receiver: &Receiver, topic: Option<&str>) {
    system.destination(into, topic, Some(&receiver.queue));
    into.push(KeyValue::new("messaging.consumer.group.name", receiver.group.to_string()));
    into.push(KeyValue::new("swit.subscriber", receiver.subscriber.to_string()));
}

/// Of an attempt.
pub(super) fn process(system: &System, of: &Receiver, one: &Message, attempt: u32) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(14);
    all.extend(system.operation("process", "process"));
    receiver(&mut all, system, of, Some(&one.topic));
    message(&mut all, system, one);
    all.push(KeyValue::new("swit.topic", one.topic.to_string()));
    all.push(KeyValue::new("swit.attempt", i64::from(attempt)));
    all
}

/// Of an attempt at several messages.
pub(super) fn process_batch(system: &System, of: &Receiver, messages: usize) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(8);
    all.extend(system.operation("process", "process"));
    receiver(&mut all, system, of, None);
    all.push(KeyValue::new("messaging.batch.message_count", i64::try_from(messages).unwrap_or(i64::MAX)));
    all
}

/// Of a settlement.
pub(super) fn settle(system: &System, of: &Receiver, one: &Message, how: Settling<'_>) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(10);
    all.extend(system.operation(how.name(), "settle"));
    receiver(&mut all, system, of, Some(&one.topic));
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
pub(super) fn send(system: &System, one: &Message) -> Vec<KeyValue> {
    let mut all = Vec::with_capacity(10);
    all.extend(system.operation("send", "send"));
    system.destination(&mut all, Some(&one.topic), None);
    message(&mut all, system, one);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_destination_is_named_as_its_system_has_it() {
        let name = |system: &System, topic, queue| {
            let mut all = Vec::new();
            system.destination(&mut all, topic, queue);
            all.iter().map(|pair| pair.value.to_string()).collect::<Vec<_>>()
        };
        let memory = System { name: "memory", exchange: None };
        assert_eq!(name(&memory, Some("a.b"), None), ["a.b"]);
        assert_eq!(name(&memory, Some("a.b"), Some("q")), ["q"]);
        let rabbitmq = System { name: "rabbitmq", exchange: Some("x".into()) };
        assert_eq!(name(&rabbitmq, Some("a.b"), None), ["a.b", "x:a.b"]);
        assert_eq!(name(&rabbitmq, Some("a.b"), Some("q")), ["q", "x:a.b:q"]);
        assert_eq!(name(&rabbitmq, Some("q"), Some("q")), ["q", "x:q"]);
        assert_eq!(name(&rabbitmq, None, Some("q")), ["q", "x:q"]);
        assert_eq!(name(&System { exchange: Some(Text::default()), ..rabbitmq }, Some("a.b"), None), ["a.b", "a.b"]);
    }
}
