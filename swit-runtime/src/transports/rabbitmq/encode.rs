//! A message as the broker carries it: plain AMQP properties, so that clients of other languages read it, and headers
//! for what the protocol has no place for.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    time::{SystemTime, UNIX_EPOCH},
};

use lapin::{
    BasicProperties,
    types::{AMQPValue, ByteArray, FieldTable, LongString, ShortString},
};

use crate::{
    error::PublishError,
    failpoint::{self, Sabotage},
    headers::{HeaderValue, names},
    message::Message,
    text::Text,
};

/// Survives a restart of the broker.
const PERSISTENT: u8 = 2;
/// The longest short string: names, ids, routing keys.
const MAX_SHORT: usize = 255;
/// Most bytes of the list of headers that a copy left behind.
const MAX_LIST: usize = 4 * 1024;

/// What the properties of a message, its headers among them, may take of frames of this size: the protocol has them in
/// one. A sixteenth is left to the frame itself, and to what the broker adds when it delivers.
pub(super) fn room(frame_max: usize) -> usize {
    frame_max - frame_max / 16
}

/// The properties of a message, under this number on its channel, in so many bytes at most. One that is `addressed` to a
/// queue carries its topic, which is not its routing key; it is a copy, and leaves behind the headers that it has no room
/// for.
///
/// # Errors
/// [`PublishError::TooLarge`]: a field that the protocol holds in a short string is longer than that, or there is not
/// enough room.
pub(super) fn properties(
    message: &Message,
    sequence: u64,
    addressed: bool,
    room: usize,
) -> Result<BasicProperties, PublishError> {
    let short = |what, text: &str| short(message, what, text);
    let mut properties = BasicProperties::default()
        .with_delivery_mode(PERSISTENT)
        .with_message_id(short("an id in bytes", message.id.encode(&mut [0; 36]))?);
    if failpoint::is_broken(Sabotage::ForgetTheId) {
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
    let mut headers = headers(message, sequence, addressed)?;
    let fixed = size_without_headers(&properties);
    if addressed {
        leave_behind(&mut headers, room.saturating_sub(fixed));
    }
    let size = fixed + size_of_all(&headers);
    if size > room {
        let (topic, what) = (message.topic.clone(), "properties and headers in bytes");
        return Err(PublishError::TooLarge { topic, what, size, limit: room });
    }
    Ok(properties.with_headers(FieldTable::from(headers)))
}

/// The bytes of properties as they are encoded, with the size of the headers but without any.
fn size_without_headers(properties: &BasicProperties) -> usize {
    const FLAGS_MODE_PRIORITY_TIMESTAMP_AND_LENGTH: usize = 2 + 1 + 1 + 8 + 4;
    let texts = [
        properties.content_type(),
        properties.content_encoding(),
        properties.correlation_id(),
        properties.reply_to(),
        properties.expiration(),
        properties.message_id(),
        properties.kind(),
    ];
    FLAGS_MODE_PRIORITY_TIMESTAMP_AND_LENGTH
        + texts.into_iter().flatten().map(|text| 1 + text.as_str().len()).sum::<usize>()
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

/// Headers as they are encoded, by name.
type Encoded = BTreeMap<ShortString, AMQPValue>;

fn headers(message: &Message, sequence: u64, addressed: bool) -> Result<Encoded, PublishError> {
    let mut headers = Encoded::new();
    for (name, value) in message.headers.iter() {
        headers.insert(short(message, "a header's name in bytes", name)?, amqp_value(value));
    }
    let mut own = |name: Text, value: AMQPValue| {
        // Names of our own are short.
        if let Ok(name) = ShortString::try_new(name.as_str()) {
            headers.insert(name, value);
        }
    };
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
    Ok(headers)
}

/// Takes the largest headers out, as many as have to go so that the others fit, and names them; those of our own only when
/// no others are left. Only a copy of a foreign message has any: what is published here is limited to less.
fn leave_behind(headers: &mut Encoded, room: usize) {
    let mut size = size_of_all(headers);
    if size <= room {
        return;
    }
    let most = MAX_LIST.min(room / 8);
    size += entry(names::DROPPED_HEADERS.len(), 4 + most);
    let own = |name: &str| name.starts_with("x-swit-") || name.starts_with("x-dead-letter-");
    let mut by_size: Vec<(bool, Reverse<usize>, ShortString)> =
        headers.iter().map(|(name, value)| (own(name.as_str()), Reverse(size_of(name, value)), name.clone())).collect();
    by_size.sort();
    let mut dropped = Vec::new();
    for (_, Reverse(bytes), name) in by_size {
        if size <= room {
            break;
        }
        size -= bytes;
        headers.remove(&name);
        dropped.push(name);
    }
    let list = dropped.iter().map(ShortString::as_str).collect::<Vec<_>>().join(", ");
    if let Ok(name) = ShortString::try_new(names::DROPPED_HEADERS.as_str()) {
        headers.insert(name, long(&crate::outcome::cap(&list, most)));
    }
}

fn size_of_all(headers: &Encoded) -> usize {
    headers.iter().map(|(name, value)| size_of(name, value)).sum()
}

/// The bytes of a header as it is encoded.
fn size_of(name: &ShortString, value: &AMQPValue) -> usize {
    let value = match value {
        AMQPValue::LongString(text) => 4 + text.as_bytes().len(),
        AMQPValue::ByteArray(bytes) => 4 + bytes.len(),
        AMQPValue::Boolean(_) => 1,
        // All others that are made here are numbers of 64 bits.
        _ => 8,
    };
    entry(name.as_str().len(), value)
}

/// A name of so many bytes behind its length, and a value behind its type.
const fn entry(name: usize, value: usize) -> usize {
    1 + name + 1 + value
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

    const ROOM: usize = 120 * 1024;

    /// The names of a copy's headers, which fit.
    fn names_of_a_copy(message: &Message, room: usize) -> Vec<String> {
        let properties = properties(message, 1, true, room).unwrap();
        let table = properties.headers().as_ref().unwrap().inner();
        let size = size_without_headers(&properties) + size_of_all(table);
        assert!(size <= room, "{size} bytes in room for {room}");
        table.keys().map(|name| name.as_str().to_owned()).collect()
    }

    fn has(names: &[String], name: &str) -> bool {
        names.iter().any(|known| known == name)
    }

    #[test]
    fn a_copy_leaves_behind_what_no_frame_holds() {
        let mut message = Message::new("t", "").with_header("x-dead-letter-reason", "permanent");
        for n in 0..200 {
            message.headers.insert(format!("bomb-{n}"), "x".repeat(1_024));
        }
        let names = names_of_a_copy(&message, room(128 * 1024));
        assert!(names.len() < 130 && has(&names, "x-dead-letter-reason") && has(&names, "x-swit-dropped-headers"));
    }

    #[test]
    fn many_small_headers_count_as_they_are_encoded() {
        let mut integers = Message::new("t", "");
        let mut empty = Message::new("t", "");
        // Of the latter, names and values alone would fit.
        for n in 0..2_000_u32 {
            integers.headers.insert(format!("{n:04x}"), 1_i64);
        }
        for n in 0..1_400 {
            empty.headers.insert(format!("{n:06}"), "");
        }
        let room = room(16 * 1024);
        for message in [integers, empty] {
            let names = names_of_a_copy(&message, room);
            assert!(has(&names, "x-swit-dropped-headers") && has(&names, "x-swit-sequence"));
            let error = properties(&message, 1, false, room).unwrap_err();
            assert!(matches!(error, PublishError::TooLarge { limit, .. } if limit == room), "{error}");
        }
    }

    #[test]
    fn a_copy_leaves_its_key_behind_before_it_fits_nowhere() {
        let mut message = Message::new("t", "").with_header("tenant", "acme").with_header("x-swit-attempt", 2);
        message.key = Some("k".repeat(ROOM).into());
        let names = names_of_a_copy(&message, ROOM);
        assert!(has(&names, "x-swit-attempt") && !has(&names, "x-swit-key") && has(&names, "x-swit-dropped-headers"));
        assert!(matches!(properties(&message, 1, false, ROOM), Err(PublishError::TooLarge { .. })));
    }

    #[test]
    fn what_is_too_long_is_named() {
        let message = Message::new("t", "");
        let error = properties(&Message { correlation_id: Some("x".repeat(256).into()), ..message }, 1, false, ROOM)
            .unwrap_err();
        assert!(error.to_string().contains("a correlation id in bytes of 256, the limit is 255"), "{error}");
    }
}
