//! The message: what is published, carried, delivered and dead-lettered.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use bytes::Bytes;

use crate::{headers::Headers, id::MessageId, text::Text};

/// A message as every transport carries it.
///
/// Cloning copies no payload: it is shared. Fields are public because a message is data; [`Message::new`] gives one
/// with everything optional left out.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Message {
    /// Who it is; UUIDv7 unless given or derived. Given by the publisher, the deduplication key everywhere.
    pub id: MessageId,
    /// Where it was published to; a copy in a delay or dead-letter queue keeps it.
    pub topic: Text,
    /// What its order and partition depend on.
    pub key: Option<Text>,
    /// The body.
    pub payload: Bytes,
    /// Everything else that travels with it.
    pub headers: Headers,
    /// When it was published, to the millisecond on the wire.
    pub timestamp: Option<SystemTime>,
    /// The codec of the body, as a media type (`application/json`).
    pub content_type: Option<Text>,
    /// How the body is compressed, as a content coding (`gzip`); none: it is not. See [`compression`](crate::compression).
    pub content_encoding: Option<Text>,
    /// The name of the event type inside the topic.
    pub event_type: Option<Text>,
    /// The version of the event type; 0 where nothing is said.
    pub version: u32,
    /// Shared by all messages of one business transaction.
    pub correlation_id: Option<Text>,
    /// The id of the message whose handling published this one.
    pub causation_id: Option<MessageId>,
    /// The queue or topic that an answer is expected at.
    pub reply_to: Option<Text>,
    /// 0 (lowest, the default) to 9.
    pub priority: u8,
    /// How long it may wait in a queue before it is dropped.
    pub ttl: Option<Duration>,
}

impl Message {
    /// No message: everything empty. What stands where a message is gone.
    pub const EMPTY: Self = Self {
        id: MessageId::EMPTY,
        topic: Text::from_static(""),
        key: None,
        payload: Bytes::new(),
        headers: Headers::new(),
        timestamp: None,
        content_type: None,
        content_encoding: None,
        event_type: None,
        version: 0,
        correlation_id: None,
        causation_id: None,
        reply_to: None,
        priority: 0,
        ttl: None,
    };

    /// A message with this topic and body, whose id and timestamp are given when it is published.
    #[inline]
    pub fn new(topic: impl Into<Text>, payload: impl Into<Bytes>) -> Self {
        Self { topic: topic.into(), payload: payload.into(), ..Self::EMPTY }
    }

    /// With this id.
    pub fn with_id(mut self, id: MessageId) -> Self {
        self.id = id;
        self
    }

    /// With this key.
    pub fn with_key(mut self, key: impl Into<Text>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// With this header.
    pub fn with_header(mut self, name: impl Into<Text>, value: impl Into<crate::headers::HeaderValue>) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// With this content type.
    pub fn with_content_type(mut self, content_type: impl Into<Text>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }

    /// With this content encoding, which says how the body that it has is compressed.
    pub fn with_content_encoding(mut self, content_encoding: impl Into<Text>) -> Self {
        self.content_encoding = Some(content_encoding.into());
        self
    }

    /// With this priority, 0 to 9; more counts as 9.
    pub fn with_priority(mut self, priority: u8) -> Self {
        self.priority = priority.min(9);
        self
    }

    /// With this time to live in a queue.
    pub fn with_ttl(mut self, ttl: Duration) -> Self {
        self.ttl = Some(ttl);
        self
    }
}

impl Default for Message {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Debug for Message {
    /// Everything but the body, of which only the size is shown: bodies may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("topic", &self.topic)
            .field("key", &self.key)
            .field("payload_bytes", &self.payload.len())
            .field("headers", &self.headers.len())
            .field("event_type", &self.event_type)
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}
