//! What the broker delivers, as a message: swit's own, and those of any other client.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use lapin::{
    message::Delivery,
    types::{AMQPValue, FieldTable, ShortString},
};

use crate::{
    headers::{HeaderValue, Headers, names},
    id::MessageId,
    message::Message,
    outcome::cap,
    text::Text,
};

/// The broker's count of how often it handed a message of a quorum queue out before.
const DELIVERY_COUNT: &str = "x-delivery-count";
/// The broker's history of dead-lettering, newest first.
const DEATHS: &str = "x-death";
/// How deep a table in a header is shown, and how long.
const MAX_DEPTH: usize = 8;
const MAX_SHOWN: usize = 1_024;

/// Texts that come again and again, kept so that they are allocated once.
#[derive(Debug, Default)]
pub(super) struct Seen {
    texts: Vec<Text>,
    next: usize,
}

impl Seen {
    const MOST: usize = 16;

    fn text(&mut self, text: &str) -> Text {
        if let Some(known) = self.texts.iter().find(|known| known.as_str() == text) {
            return known.clone();
        }
        let new = Text::from(text);
        if self.texts.len() < Self::MOST {
            self.texts.push(new.clone());
        } else {
            self.texts[self.next] = new.clone();
            self.next = (self.next + 1) % Self::MOST;
        }
        new
    }
}

/// How often a delivery came back before. A classic queue says only whether it did; a quorum queue counts, in a header that
/// a sender may have written as well: that one says nothing of a message that never came back.
pub(super) fn redeliveries(delivery: &Delivery) -> u32 {
    if !delivery.redelivered {
        return 0;
    }
    let headers = delivery.properties.headers().as_ref();
    let count = headers.and_then(|headers| headers.inner().get(DELIVERY_COUNT)).map(header_value);
    count.and_then(|count| count.as_integer()).map_or(1, |count| u32::try_from(count).unwrap_or(u32::MAX))
}

/// The message of a delivery.
pub(super) fn message(delivery: Delivery, seen: &mut Seen) -> Message {
    let Delivery { routing_key, properties, data, .. } = delivery;
    let mut message = Message::new(seen.text(routing_key.as_str()), Bytes::from(data));
    if let Some(table) = properties.headers() {
        own_headers(table, &mut message, seen);
    }
    let text = |text: &Option<ShortString>, seen: &mut Seen| text.as_ref().map(|text| seen.text(text.as_str()));
    let new = |text: &Option<ShortString>| text.as_ref().map(|text| Text::from(text.as_str()));
    // A short string is as long as an id may be.
    message.id = properties.message_id().as_ref().and_then(|id| MessageId::parse(id.as_str()).ok()).unwrap_or_default();
    message.content_type = text(properties.content_type(), seen);
    message.content_encoding = text(properties.content_encoding(), seen);
    message.event_type = text(properties.kind(), seen);
    message.correlation_id = new(properties.correlation_id());
    message.reply_to = text(properties.reply_to(), seen);
    message.priority = properties.priority().unwrap_or_default();
    let expiration = properties.expiration().as_ref().and_then(|ttl| ttl.as_str().parse().ok());
    message.ttl = expiration.map(Duration::from_millis);
    if message.timestamp.is_none() {
        message.timestamp =
            properties.timestamp().and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    }
    message
}

/// Reads the headers: those that hold what the protocol has no field for go into their fields.
fn own_headers(table: &FieldTable, message: &mut Message, seen: &mut Seen) {
    let mut headers = Headers::new();
    for (name, value) in table.inner() {
        let name = name.as_str();
        match value {
            AMQPValue::LongLongInt(_) if name == names::SEQUENCE.as_str() => {}
            AMQPValue::LongLongInt(millis) if name == names::TIMESTAMP.as_str() => {
                let since = Duration::from_millis(u64::try_from(*millis).unwrap_or_default());
                message.timestamp = UNIX_EPOCH.checked_add(since);
            }
            AMQPValue::LongLongInt(version) if name == names::VERSION.as_str() => {
                message.version = u32::try_from(*version).unwrap_or_default();
            }
            AMQPValue::LongString(key) if name == names::KEY.as_str() => {
                message.key = str::from_utf8(key.as_bytes()).ok().map(Text::from);
            }
            AMQPValue::LongString(id) if name == names::CAUSATION_ID.as_str() => {
                message.causation_id = str::from_utf8(id.as_bytes()).ok().and_then(|id| MessageId::parse(id).ok());
            }
            AMQPValue::LongString(topic) if name == names::TOPIC.as_str() => {
                if let Ok(topic) = str::from_utf8(topic.as_bytes()) {
                    message.topic = seen.text(topic);
                }
                headers.insert(names::TOPIC, message.topic.clone());
            }
            AMQPValue::FieldArray(deaths) if name == DEATHS => {
                // Newest first; the oldest tells what it was published to.
                let oldest = deaths.as_slice().last().and_then(first_routing_key);
                if let Some(topic) = oldest.filter(|_| !table.contains_key(&names::TOPIC)) {
                    message.topic = seen.text(topic);
                }
            }
            other => {
                headers.insert(seen.text(name), header_value(other));
            }
        }
    }
    message.headers = headers;
}

fn first_routing_key(death: &AMQPValue) -> Option<&str> {
    let AMQPValue::FieldTable(death) = death else { return None };
    let AMQPValue::FieldArray(keys) = death.inner().get("routing-keys")? else { return None };
    match keys.as_slice().first()? {
        AMQPValue::LongString(key) => str::from_utf8(key.as_bytes()).ok(),
        _ => None,
    }
}

/// A header's value; what has no kind of its own here becomes text.
fn header_value(value: &AMQPValue) -> HeaderValue {
    match value {
        AMQPValue::Boolean(value) => HeaderValue::Bool(*value),
        AMQPValue::ShortShortInt(n) => HeaderValue::Integer(i64::from(*n)),
        AMQPValue::ShortShortUInt(n) => HeaderValue::Integer(i64::from(*n)),
        AMQPValue::ShortInt(n) => HeaderValue::Integer(i64::from(*n)),
        AMQPValue::ShortUInt(n) => HeaderValue::Integer(i64::from(*n)),
        AMQPValue::LongInt(n) => HeaderValue::Integer(i64::from(*n)),
        AMQPValue::LongUInt(n) => HeaderValue::Integer(i64::from(*n)),
        AMQPValue::LongLongInt(n) => HeaderValue::Integer(*n),
        AMQPValue::Timestamp(n) => match i64::try_from(*n) {
            Ok(n) => HeaderValue::Integer(n),
            Err(_) => HeaderValue::from(n.to_string()),
        },
        AMQPValue::Float(n) => HeaderValue::Float(f64::from(*n)),
        AMQPValue::Double(n) => HeaderValue::Float(*n),
        AMQPValue::ShortString(text) => HeaderValue::from(text.as_str()),
        AMQPValue::LongString(text) => match str::from_utf8(text.as_bytes()) {
            Ok(text) => HeaderValue::from(text),
            Err(_) => HeaderValue::Bytes(Bytes::copy_from_slice(text.as_bytes())),
        },
        AMQPValue::ByteArray(bytes) => HeaderValue::Bytes(Bytes::copy_from_slice(bytes.as_slice())),
        other => {
            let mut shown = String::new();
            show(other, 0, &mut shown);
            HeaderValue::from(cap(&shown, MAX_SHOWN).into_owned())
        }
    }
}

/// Writes a table or list as text: for people, not to be read back.
fn show(value: &AMQPValue, depth: usize, out: &mut String) {
    if out.len() > MAX_SHOWN || depth > MAX_DEPTH {
        out.push('…');
        return;
    }
    match value {
        AMQPValue::FieldTable(table) => {
            out.push('{');
            for (number, (name, value)) in table.inner().iter().enumerate() {
                if number > 0 {
                    out.push_str(", ");
                }
                out.push_str(name.as_str());
                out.push_str(": ");
                show(value, depth + 1, out);
            }
            out.push('}');
        }
        AMQPValue::FieldArray(list) => {
            out.push('[');
            for (number, value) in list.as_slice().iter().enumerate() {
                if number > 0 {
                    out.push_str(", ");
                }
                show(value, depth + 1, out);
            }
            out.push(']');
        }
        AMQPValue::DecimalValue(decimal) => out.push_str(&decimal.value.to_string()),
        AMQPValue::Void => out.push_str("null"),
        plain => out.push_str(&header_value(plain).to_string()),
    }
}
