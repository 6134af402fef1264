//! Events: types with a topic of their own.

mod kinds;
mod payload;

use std::fmt;

pub use kinds::{Described, Either, Nothing, One, Upcast};
pub use payload::{
    ProtobufMessage, Read, Written, read_json, read_msgpack, read_protobuf, write_json, write_msgpack, write_protobuf,
};

use crate::{
    codec::{Codec, DecodeError, EncodeError},
    message::Message,
    text::Text,
};

/// What happens to an event that no queue takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Unrouted {
    /// Published successfully; counted, and logged once per topic. The default.
    #[default]
    Warn,
    /// The publisher gets an error.
    Error,
    /// Published successfully; counted.
    Ignore,
}

/// What a consumer does with a newer version than it knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Newer {
    /// Dead-letters it as `invalid_input`. The default.
    #[default]
    Refuse,
    /// Reads it as the version it knows; unknown fields are what the type's own serde attributes say.
    Tolerate,
}

/// What is known of an event type when the program is compiled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EventDescriptor {
    /// The topic that it is published to.
    pub topic: &'static str,
    /// Its name inside the topic; the Rust type's name unless given.
    pub event_type: &'static str,
    /// Its version, from 1.
    pub version: u32,
    /// The codecs it is read in; the first is the one it is written in.
    pub codecs: &'static [Codec],
    /// What is done with newer versions.
    pub newer: Newer,
    /// What happens where no queue takes it.
    pub unrouted: Unrouted,
}

impl EventDescriptor {
    /// Whether all of these are read as JSON and as nothing else.
    pub const fn are_json(descriptors: &[Self]) -> bool {
        let mut i = 0;
        while i < descriptors.len() {
            if !matches!(descriptors[i].codecs, [Codec::Json]) {
                return false;
            }
            i += 1;
        }
        true
    }
}

/// Where the message key of an event comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EventKey {
    /// It has none.
    None,
    /// From this field.
    Field(&'static str),
    /// Each variant of an enum of events has its own, or none.
    OfVariants,
}

/// A type that is published to, and consumed from, a topic of its own. Derived: `#[derive(Event)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event",
    note = "derive it: `#[derive(Serialize, Deserialize, Event)]` with `#[event(topic = \"order.created\", version = 1)]`"
)]
pub trait Event: Sized + Send + 'static {
    /// The event type; for an enum of events, those of its variants.
    const DESCRIPTORS: &'static [EventDescriptor];

    /// Where the message key comes from.
    const KEY: EventKey = EventKey::None;

    /// The descriptor of this value.
    fn descriptor(&self) -> &'static EventDescriptor;

    /// Reads a message: topic, type and version decide how.
    ///
    /// # Errors
    /// Everything of [`DecodeError`].
    fn decode(message: &Message) -> Result<Self, DecodeError>;

    /// Writes a message with topic, key, payload, type, version and content type; id and time come when it is published.
    ///
    /// # Errors
    /// The value refuses to be serialized.
    fn encode(&self) -> Result<Message, EncodeError>;
}

/// A field that can be a message key (`key = field`). For all that are `Display`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a message key: it has no text",
    label = "not `Display`",
    note = "`key` names a field that implements `std::fmt::Display`; its text is the key"
)]
pub trait MessageKey {
    /// The key.
    fn key(&self) -> Text;
}

#[diagnostic::do_not_recommend]
impl<T: fmt::Display + ?Sized> MessageKey for T {
    fn key(&self) -> Text {
        Text::from(self.to_string())
    }
}

/// The codec that a message of one event type is read by, once its content type and version are checked. Called by the
/// derive.
///
/// # Errors
/// [`DecodeError::ContentType`] and [`DecodeError::Newer`].
#[inline]
pub fn codec_of(descriptor: &'static EventDescriptor, message: &Message) -> Result<Codec, DecodeError> {
    let codec = match &message.content_type {
        None => first_codec(descriptor, "")?,
        Some(content_type) => match Codec::of(content_type) {
            Some(codec) if descriptor.codecs.contains(&codec) => codec,
            _ => return Err(refused_content_type(descriptor, content_type)),
        },
    };
    if message.version > descriptor.version && descriptor.newer == Newer::Refuse {
        return Err(DecodeError::Newer {
            version: message.version,
            known: descriptor.version,
            event_type: descriptor.event_type,
        });
    }
    Ok(codec)
}

fn first_codec(descriptor: &'static EventDescriptor, content_type: &str) -> Result<Codec, DecodeError> {
    descriptor.codecs.first().copied().ok_or_else(|| refused_content_type(descriptor, content_type))
}

/// The error of a message whose content type the event type does not accept. Called by the derive.
#[cold]
pub fn refused(descriptor: &'static EventDescriptor, message: &Message) -> DecodeError {
    refused_content_type(descriptor, message.content_type.as_deref().unwrap_or_default())
}

#[cold]
fn refused_content_type(descriptor: &'static EventDescriptor, content_type: &str) -> DecodeError {
    DecodeError::ContentType {
        content_type: content_type.to_owned(),
        event_type: descriptor.event_type,
        accepted: descriptor.codecs.iter().map(|codec| codec.content_type()).collect::<Vec<_>>().join(", "),
    }
}

/// One event type's message around a payload that its first codec wrote. Called by the derive.
pub fn message(descriptor: &'static EventDescriptor, payload: Vec<u8>, key: Option<Text>) -> Message {
    let mut message = Message::new(Text::from_static(descriptor.topic), payload);
    message.key = key;
    message.content_type = descriptor.codecs.first().map(|codec| Text::from_static(codec.content_type()));
    message.event_type = Some(Text::from_static(descriptor.event_type));
    message.version = descriptor.version;
    message
}

/// Whether a message is of this event type: its topic is the type's, and so is its event type where it names one.
///
/// Called by the derive on enums of events.
pub fn is_of(descriptor: &EventDescriptor, message: &Message) -> bool {
    message.topic == descriptor.topic
        && message.event_type.as_ref().is_none_or(|event_type| *event_type == descriptor.event_type)
}

/// The error of a message that is none of an enum's events. Called by the derive.
#[cold]
pub fn not_of<T>(message: &Message) -> DecodeError {
    DecodeError::EventType {
        topic: message.topic.to_string(),
        event_type: message.event_type.as_deref().unwrap_or_default().to_owned(),
        type_name: short_type_name::<T>(),
    }
}

/// The last part of a type's path: `Order` for `shop::Order`, `Vec<u8>` for `alloc::vec::Vec<u8>`.
pub fn short_type_name<T: ?Sized>() -> &'static str {
    let full = std::any::type_name::<T>();
    let head = full.find('<').unwrap_or(full.len());
    full[..head].rfind("::").map_or(full, |at| &full[at + 2..])
}
