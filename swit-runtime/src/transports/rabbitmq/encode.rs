//! A message as the broker carries it: plain AMQP properties, so that clients of other languages read it, and headers
//! for what the protocol has no place for.

use std::time::{SystemTime, UNIX_EPOCH};

use lapin::{
    BasicProperties,
    types::{AMQPValue, ByteArray, FieldTable, LongString, ShortString},
};

use crate::{
    error::PublishError,
    failpoint::sabotaged,
    headers::{HeaderValue, names},
    message::Message,
    text::Text,
};

/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;
/// The longest short string: names, ids, routing keys.
const MAX_SHORT: usize = 255;
/// What headers may take of a frame of 128 KiB, the broker's default, beside the other properties.
const MAX_HEADER_BYTES: usize = 120 * 1024;

/// The properties of a message, under this number on its channel. One that is `addressed` to a queue carries its topic,
/// which is not its routing key.
///
/// # Errors
/// [`PublishError::TooLarge`]: a field that the protocol holds in a short string is longer than that.
pub(super) fn properties(message: &Message, sequence: u64, addressed: bool) -> Result<BasicProperties, PublishError> {
    let short = |what, text: &str| short(message, what, text);
    let mut properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(short("an id in bytes", message.id.encode(&mut [0; 36]))?)
        .with_headers(headers(message, sequence, addressed)?);
    if sabotaged("forget_the_id") {
        properties = properties.with_message_id(ShortString::default());
    }
    if let Some(time) = message.timestamp {
        properties = properties.with_timestamp(millis(time) / 1_000);
    }
    if let Some(content_type) = &message.content_type {
        properties = properties.with_content_type(short("a content type in bytes", content_type)?);
    }
    if let Some(encoding) = &message.content_encoding {
        properties = properties.with_content_encoding(short("a content encoding in bytes", encoding)?);
    }
    if let Some(event_type) = &message.event_type {
        properties = properties.with_type(short("an event type in bytes", event_type)?);
    }
    if let Some(id) = &message.correlation_id {
        properties = properties.with_correlation_id(short("a correlation id in bytes", id)?);
    }
    if let Some(reply_to) = &message.reply_to {
        properties = properties.with_reply_to(short("a reply address in bytes", reply_to)?);
    }
    if message.priority > 0 {
        properties = properties.with_priority(message.priority);
    }
    if let Some(ttl) = message.ttl {
        properties = properties.with_expiration(short("a time to live", &ttl.as_millis().to_string())?);
    }
    Ok(properties)
}

/// A short string of the protocol.
///
/// # Errors
/// [`PublishError::TooLarge`], which says what is too long.
pub(super) fn short(message: &Message, what: &'static str, text: &str) -> Result<ShortString, PublishError> {
    ShortString::try_new(text).map_err(|_| PublishError::TooLarge {
        topic: message.topic.clone(),
        what,
        size: text.len(),
        limit: MAX_SHORT,
    })
}

fn headers(message: &Message, sequence: u64, addressed: bool) -> Result<FieldTable, PublishError> {
    let mut table = FieldTable::default();
    let dropped = too_many(message);
    for (name, value) in message.headers.iter().filter(|(name, _)| !dropped.iter().any(|gone| gone == name)) {
        table.insert(short(message, "a header's name in bytes", name)?, amqp_value(value));
    }
    let mut own = |name: Text, value: AMQPValue| {
        // Names of our own are short.
        if let Ok(name) = ShortString::try_new(name.as_str()) {
            table.insert(name, value);
        }
    };
    if !dropped.is_empty() {
        let list = crate::outcome::cap(&dropped.join(", "), 4 * 1024).into_owned();
        own(names::DROPPED_HEADERS, long(&list));
    }
    if addressed {
        own(names::TOPIC, long(&message.topic));
    }
    if let Some(key) = &message.key {
        own(names::KEY, long(key));
    }
    if message.version > 0 {
        own(names::VERSION, AMQPValue::LongLongInt(i64::from(message.version)));
    }
    if let Some(id) = &message.causation_id {
        own(names::CAUSATION_ID, long(id.encode(&mut [0; 36])));
    }
    if let Some(time) = message.timestamp {
        own(names::TIMESTAMP, AMQPValue::LongLongInt(i64::try_from(millis(time)).unwrap_or(i64::MAX)));
    }
    own(names::SEQUENCE, AMQPValue::LongLongInt(sequence.cast_signed()));
    Ok(table)
}

/// The largest headers, as many as have to go so that the others fit into a frame. Only a copy of a foreign message has
/// any: what is published here is limited to less.
fn too_many(message: &Message) -> Vec<&str> {
    let mut size = message.headers.size();
    if size <= MAX_HEADER_BYTES {
        return Vec::new();
    }
    let own = |name: &str| name.starts_with("x-swit-") || name.starts_with("x-dead-letter-");
    let mut by_size: Vec<_> = message.headers.iter().filter(|(name, _)| !own(name)).collect();
    by_size.sort_by_key(|(name, value)| std::cmp::Reverse(name.len() + value.size()));
    let mut dropped = Vec::new();
    for (name, value) in by_size {
        if size <= MAX_HEADER_BYTES {
            break;
        }
        size -= name.len() + value.size();
        dropped.push(name);
    }
    dropped
}

fn amqp_value(value: &HeaderValue) -> AMQPValue {
    match value {
        HeaderValue::Text(text) => long(text),
        HeaderValue::Integer(number) => AMQPValue::LongLongInt(*number),
        HeaderValue::Float(number) if number.is_finite() => AMQPValue::Double(*number),
        // Erlang has no such numbers: the broker would close the connection, with all that is on its way.
        HeaderValue::Float(number) => long(&number.to_string()),
        HeaderValue::Bool(value) => AMQPValue::Boolean(*value),
        HeaderValue::Bytes(bytes) => AMQPValue::ByteArray(ByteArray::from(bytes.to_vec())),
    }
}

fn long(text: &str) -> AMQPValue {
    AMQPValue::LongString(LongString::from(text))
}

/// Since 1970; what lies before is taken for its beginning.
fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_leaves_behind_what_no_frame_holds() {
        let mut message = Message::new("t", "").with_header("x-dead-letter-reason", "permanent");
        for n in 0..200 {
            message.headers.insert(format!("bomb-{n}"), "x".repeat(1_024));
        }
        let table = headers(&message, 1, false).unwrap();
        let names: Vec<&str> = table.inner().keys().map(ShortString::as_str).collect();
        assert!(
            names.len() < 130 && names.contains(&"x-dead-letter-reason") && names.contains(&"x-swit-dropped-headers")
        );
    }

    #[test]
    fn what_is_too_long_is_named() {
        let message = Message::new("t", "");
        let error =
            properties(&Message { correlation_id: Some("x".repeat(256).into()), ..message }, 1, false).unwrap_err();
        assert!(error.to_string().contains("a correlation id in bytes of 256, the limit is 255"), "{error}");
    }
}
