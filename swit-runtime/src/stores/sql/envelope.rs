//! A publication as a row of the outbox: the payload as it is, all else as one JSON document that a person can read.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    event::Unrouted,
    headers::{HeaderValue, Headers},
    id::MessageId,
    message::Message,
    store::Enlisted,
    text::Text,
};

/// All of a publication but its payload. Fields that are not there are not written.
#[derive(Serialize, Deserialize)]
struct Envelope {
    id: String,
    topic: String,
    transport: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<(String, Value)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timestamp: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causation_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reply_to: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    priority: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ttl_ms: Option<u64>,
    /// Microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    due: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unrouted: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// A header's value. A float is kept by its bits: JSON has no word for some.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Value {
    Text(String),
    Integer(i64),
    Float(u64),
    Bool(bool),
    Bytes(Vec<u8>),
}

/// Microseconds since 1970, at most those of the year 294247.
pub(super) fn micros(time: SystemTime) -> i64 {
    let since = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => since(after),
        Err(before) => -since(before.duration()),
    }
}

/// The time of so many microseconds since 1970.
pub(super) fn time(micros: i64) -> SystemTime {
    let distance = Duration::from_micros(micros.unsigned_abs());
    if micros < 0 { UNIX_EPOCH - distance } else { UNIX_EPOCH + distance }
}

fn owned(text: &Text) -> String {
    text.to_string()
}

/// All of a publication but its payload.
pub(super) fn write(publication: &Enlisted) -> String {
    let Enlisted { message, transport, unrouted, due } = publication;
    let headers = message.headers.iter().map(|(name, value)| {
        let value = match value {
            HeaderValue::Text(text) => Value::Text(owned(text)),
            HeaderValue::Integer(number) => Value::Integer(*number),
            HeaderValue::Float(number) => Value::Float(number.to_bits()),
            HeaderValue::Bool(value) => Value::Bool(*value),
            HeaderValue::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
        };
        (name.to_owned(), value)
    });
    let envelope = Envelope {
        id: message.id.to_string(),
        topic: owned(&message.topic),
        transport: owned(transport),
        key: message.key.as_ref().map(owned),
        headers: headers.collect(),
        timestamp: message.timestamp.map(micros),
        content_type: message.content_type.as_ref().map(owned),
        content_encoding: message.content_encoding.as_ref().map(owned),
        event_type: message.event_type.as_ref().map(owned),
        version: message.version,
        correlation_id: message.correlation_id.as_ref().map(owned),
        causation_id: message.causation_id.as_ref().map(ToString::to_string),
        reply_to: message.reply_to.as_ref().map(owned),
        priority: message.priority.into(),
        ttl_ms: message.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)),
        due: due.map(micros),
        unrouted: match unrouted {
            Unrouted::Warn => None,
            Unrouted::Error => Some("error".to_owned()),
            Unrouted::Ignore => Some("ignore".to_owned()),
        },
    };
    // Texts, numbers and lists of them: there is nothing that JSON could not hold.
    serde_json::to_string(&envelope).unwrap_or_default()
}

/// The publication of a row.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(envelope: &str, payload: Vec<u8>) -> Result<Enlisted, String> {
    let envelope: Envelope = serde_json::from_str(envelope).map_err(|error| error.to_string())?;
    let id = |text: &str| MessageId::parse(text).map_err(|error| error.to_string());
    let headers: Headers = envelope
        .headers
        .into_iter()
        .map(|(name, value)| {
            let value = match value {
                Value::Text(text) => HeaderValue::Text(text.into()),
                Value::Integer(number) => HeaderValue::Integer(number),
                Value::Float(bits) => HeaderValue::Float(f64::from_bits(bits)),
                Value::Bool(value) => HeaderValue::Bool(value),
                Value::Bytes(bytes) => HeaderValue::Bytes(bytes.into()),
            };
            (name, value)
        })
        .collect();
    let mut message = Message::new(envelope.topic, Bytes::from(payload)).with_id(id(&envelope.id)?);
    message.key = envelope.key.map(Into::into);
    message.headers = headers;
    message.timestamp = envelope.timestamp.map(time);
    message.content_type = envelope.content_type.map(Into::into);
    message.content_encoding = envelope.content_encoding.map(Into::into);
    message.event_type = envelope.event_type.map(Into::into);
    message.version = envelope.version;
    message.correlation_id = envelope.correlation_id.map(Into::into);
    message.causation_id = envelope.causation_id.as_deref().map(id).transpose()?;
    message.reply_to = envelope.reply_to.map(Into::into);
    message.priority = u8::try_from(envelope.priority).map_err(|_| "its priority is no byte".to_owned())?;
    message.ttl = envelope.ttl_ms.map(Duration::from_millis);
    let unrouted = match envelope.unrouted.as_deref() {
        None => Unrouted::Warn,
        Some("error") => Unrouted::Error,
        Some("ignore") => Unrouted::Ignore,
        Some(other) => return Err(format!("`unrouted` is `{other}`, which this version does not know")),
    };
    Ok(Enlisted { message, transport: envelope.transport.into(), unrouted, due: envelope.due.map(time) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut message =
            Message::new("order.created", "payload").with_key("k\n\"").with_id(MessageId::new(UNIX_EPOCH));
        message.headers = [
            ("text", HeaderValue::from("ü")),
            ("integer", i64::MIN.into()),
            ("float", f64::INFINITY.into()),
            ("bool", true.into()),
            ("bytes", Bytes::from_static(b"\xff\0").into()),
        ]
        .into_iter()
        .collect();
        message.timestamp = Some(UNIX_EPOCH + Duration::from_micros(7));
        message.content_type = Some("application/json".into());
        message.content_encoding = Some("gzip".into());
        message.event_type = Some("Created".into());
        message.version = 3;
        message.correlation_id = Some("c".into());
        message.causation_id = MessageId::parse("cause").ok();
        message.reply_to = Some("replies".into());
        message.priority = 9;
        message.ttl = Some(Duration::from_secs(5));
        for (unrouted, due) in [
            (Unrouted::Warn, None),
            (Unrouted::Error, Some(UNIX_EPOCH + Duration::from_secs(9))),
            (Unrouted::Ignore, Some(UNIX_EPOCH - Duration::from_secs(9))),
        ] {
            let full = Enlisted { message: message.clone(), transport: "default".into(), unrouted, due };
            assert_eq!(read(&write(&full), b"payload".to_vec()).as_ref(), Ok(&full));
            let empty = Enlisted { message: Message::new("t", ""), ..full };
            assert_eq!(read(&write(&empty), Vec::new()).as_ref(), Ok(&empty));
        }
    }

    #[test]
    fn what_is_no_publication_says_why() {
        assert!(read("{}", Vec::new()).unwrap_err().contains("missing field"));
        let text = write(&Enlisted {
            message: Message::new("t", ""),
            transport: "default".into(),
            unrouted: Unrouted::Error,
            due: None,
        });
        let of_another_version = text.replace("\"error\"", "\"shout\"");
        assert_eq!(
            read(&of_another_version, Vec::new()).unwrap_err(),
            "`unrouted` is `shout`, which this version does not know"
        );
    }
}
