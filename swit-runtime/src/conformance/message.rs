//! A message arrives as it was published, every field of it.

use std::time::{Duration, SystemTime};

use bytes::Bytes;

use super::{
    Rig,
    rig::{next, take},
};
use crate::{
    headers::HeaderValue,
    id::MessageId,
    message::Message,
    text::Text,
    transport::{Publication, Verdict},
};

async fn there_and_back(rig: &Rig, sent: Message) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 1).await;
    rig.publish(Publication::new(sent.clone())).await;
    let delivery = next(&subscription).await;
    let came = delivery.message().clone();
    delivery.settle(Verdict::Ack);
    // Field by field first: `Debug` does not show bodies, and a difference should be seen.
    assert_eq!(came.id, sent.id);
    assert_eq!(came.topic, sent.topic);
    assert_eq!(came.key, sent.key);
    assert_eq!(came.payload.len(), sent.payload.len());
    assert!(came.payload == sent.payload, "the payload came changed");
    assert_eq!(came.headers, sent.headers);
    assert_eq!(came.timestamp, sent.timestamp);
    assert_eq!(came.content_type, sent.content_type);
    assert_eq!(came.content_encoding, sent.content_encoding);
    assert_eq!((came.event_type, came.version), (sent.event_type, sent.version));
    assert_eq!(came.correlation_id, sent.correlation_id);
    assert_eq!(came.causation_id, sent.causation_id);
    assert_eq!(came.reply_to, sent.reply_to);
    assert_eq!(came.priority, sent.priority);
    assert_eq!(came.ttl, sent.ttl);
}

/// A message of this test with a time that the wire can carry.
fn message(rig: &Rig, payload: impl Into<Bytes>) -> Message {
    let mut message = rig.message("t", "");
    message.payload = payload.into();
    message.timestamp = Some(SystemTime::UNIX_EPOCH + Duration::from_millis(1_750_000_000_123));
    message
}

/// Every field, with text beyond ASCII wherever text may stand.
pub async fn carries_every_field(rig: Rig) {
    let mut sent = message(&rig, "größe: 5 µm, 価格");
    sent.key = Some(Text::from("schlüssel"));
    sent.content_type = Some(Text::from("application/json"));
    // Transports carry it and touch nothing: that the body is not compressed is no business of theirs.
    sent.content_encoding = Some(Text::from("gzip"));
    sent.event_type = Some(Text::from("BestellungÜbermittelt"));
    sent.version = 7;
    sent.correlation_id = Some(Text::from("корреляция"));
    sent.causation_id = Some(MessageId::derived(&sent.id, "subscriber", 1));
    sent.reply_to = Some(Text::from("antwort"));
    sent.priority = 3;
    sent.ttl = Some(Duration::from_mins(10));
    sent.headers.insert("x-größe", "groß");
    there_and_back(&rig, sent).await;
}

/// What is left out stays out.
pub async fn carries_no_optional_field(rig: Rig) {
    let sent = message(&rig, "{}");
    there_and_back(&rig, sent).await;
}

/// Text, whole numbers, floating point numbers, truth values and bytes, at their limits.
pub async fn carries_every_kind_of_header(rig: Rig) {
    let mut sent = message(&rig, "{}");
    let values = [
        ("text", HeaderValue::Text(Text::from("価格"))),
        ("empty", HeaderValue::Text(Text::default())),
        ("least", HeaderValue::Integer(i64::MIN)),
        ("most", HeaderValue::Integer(i64::MAX)),
        ("float", HeaderValue::Float(-0.1)),
        ("yes", HeaderValue::Bool(true)),
        ("no", HeaderValue::Bool(false)),
        ("bytes", HeaderValue::Bytes(Bytes::from_static(&[0, 255, 128, 10]))),
    ];
    for (name, value) in values {
        sent.headers.insert(name, value);
    }
    there_and_back(&rig, sent).await;
}

/// No body at all.
pub async fn carries_an_empty_payload(rig: Rig) {
    let sent = message(&rig, Bytes::new());
    there_and_back(&rig, sent).await;
}

/// One mebibyte of every byte there is.
pub async fn carries_a_mebibyte(rig: Rig) {
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(1024 * 1024).collect();
    let sent = message(&rig, every_byte);
    there_and_back(&rig, sent).await;
}

/// Ids that are no UUIDs, up to their longest, one after the other.
pub async fn carries_foreign_ids(rig: Rig) {
    rig.declare_one().await;
    let subscription = rig.subscribe("q", 1).await;
    for text in ["1", "order/7#größe", "018F3E9A-0000-7000-8000-000000000000", &"x".repeat(255)] {
        let Ok(id) = MessageId::parse(text) else { panic!("`{text}` is an id") };
        rig.publish(Publication::new(rig.message("t", "").with_id(id.clone()))).await;
        let delivery = next(&subscription).await;
        assert_eq!(delivery.message().id, id);
        delivery.settle(Verdict::Ack);
    }
    rig.publish_each("t", &["last"]).await;
    assert_eq!(take(&subscription).await, "last");
}
