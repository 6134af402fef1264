//! Codecs: how an event becomes bytes and back, chosen by content type.
//!
//! A codec is a module with `decode` and `encode`, there where its feature is: `json` and `msgpack` write types of
//! serde, `protobuf` those of prost. [`Codec`] names them all, so that an event type can be asked for its codecs, and
//! a content type for its codec, whatever is compiled in.

#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "msgpack")]
pub mod msgpack;
#[cfg(feature = "protobuf")]
pub mod protobuf;

use std::fmt;

use crate::classify::{BoxError, Class, Classification, Classify};

/// A codec, compiled in or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// JSON (RFC 8259), `application/json`. Feature `json`.
    Json,
    /// MessagePack, `application/msgpack`. Feature `msgpack`.
    MsgPack,
    /// Protocol Buffers, `application/protobuf`. Feature `protobuf`.
    Protobuf,
}

impl Codec {
    /// The media type that names the codec in a message's content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::MsgPack => "application/msgpack",
            Self::Protobuf => "application/protobuf",
        }
    }

    /// Its name in `#[event(codecs = …)]`, which is also the feature that it needs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::MsgPack => "msgpack",
            Self::Protobuf => "protobuf",
        }
    }

    /// Whether its feature is on.
    pub const fn is_compiled_in(self) -> bool {
        match self {
            Self::Json => cfg!(feature = "json"),
            Self::MsgPack => cfg!(feature = "msgpack"),
            Self::Protobuf => cfg!(feature = "protobuf"),
        }
    }

    /// The codec of a content type: its own or one that was in use before it, in any case, with or without parameters
    /// (`; charset=utf-8`). A `+json` suffix (RFC 6839) is JSON.
    #[inline]
    pub fn of(content_type: &str) -> Option<Self> {
        match content_type {
            "application/json" => Some(Self::Json),
            "application/msgpack" => Some(Self::MsgPack),
            "application/protobuf" => Some(Self::Protobuf),
            _ => Self::spelled_otherwise(content_type),
        }
    }

    fn spelled_otherwise(content_type: &str) -> Option<Self> {
        const SPELLINGS: [(&str, Codec); 8] = [
            ("application/json", Codec::Json),
            ("text/json", Codec::Json),
            ("application/msgpack", Codec::MsgPack),
            ("application/x-msgpack", Codec::MsgPack),
            ("application/vnd.msgpack", Codec::MsgPack),
            ("application/protobuf", Codec::Protobuf),
            ("application/x-protobuf", Codec::Protobuf),
            ("application/vnd.google.protobuf", Codec::Protobuf),
        ];
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let known = SPELLINGS.iter().find(|(spelling, _)| essence.eq_ignore_ascii_case(spelling));
        let end = || essence.get(essence.len().saturating_sub(5)..);
        known
            .map(|(_, codec)| *codec)
            .or_else(|| end().is_some_and(|end| end.eq_ignore_ascii_case("+json")).then_some(Self::Json))
    }
}

impl fmt::Display for Codec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.content_type())
    }
}

/// A payload that is not what it should be. Always `invalid_input`: the same bytes fail again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are not a value of the type.
    #[error("the payload is not a `{type_name}`: {source}")]
    Malformed {
        /// The type that was wanted.
        type_name: &'static str,
        /// What the codec says, with line and column where it knows them.
        source: BoxError,
    },
    /// JSON or MessagePack is nested deeper than the limit.
    #[error("the payload is nested deeper than {limit} levels")]
    TooDeep {
        /// The limit, in levels.
        limit: usize,
    },
    /// The content type names no codec that the event type accepts.
    #[error("the content type `{content_type}` is none that `{event_type}` accepts; accepted: {accepted}")]
    ContentType {
        /// What the message says.
        content_type: String,
        /// The event type.
        event_type: &'static str,
        /// The accepted content types, comma-separated.
        accepted: String,
    },
    /// The message's event type or topic is none of the type's.
    #[error("the message of topic `{topic}` and type `{event_type}` is none of `{type_name}`")]
    EventType {
        /// The message's topic.
        topic: String,
        /// The message's event type, empty where it says none.
        event_type: String,
        /// The type that was wanted.
        type_name: &'static str,
    },
    /// The message's version is newer than the type knows.
    #[error(
        "the message has version {version} of `{event_type}`, newer than {known}; deploy the consumer first, or say `newer = \"tolerate\"`"
    )]
    Newer {
        /// The message's version.
        version: u32,
        /// The newest version that the type knows.
        known: u32,
        /// The event type.
        event_type: &'static str,
    },
}

impl Classify for DecodeError {
    fn classify(&self) -> Classification {
        Class::InvalidInput.into()
    }
}

/// A value that can't be written.
#[derive(Debug, thiserror::Error)]
#[error("`{type_name}` can't be encoded: {source}")]
#[non_exhaustive]
pub struct EncodeError {
    /// The type.
    pub type_name: &'static str,
    /// What the codec says.
    pub source: BoxError,
}

impl Classify for EncodeError {
    fn classify(&self) -> Classification {
        Class::Permanent.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_name_codecs() {
        for (codec, texts) in [
            (
                Some(Codec::Json),
                &[
                    "application/json",
                    "application/json; charset=utf-8",
                    "application/vnd.order+json",
                    "APPLICATION/JSON",
                ][..],
            ),
            (
                Some(Codec::MsgPack),
                &["application/msgpack", "application/x-msgpack", "Application/vnd.MsgPack", "application/msgpack;v=5"],
            ),
            (
                Some(Codec::Protobuf),
                &[
                    "application/protobuf",
                    "application/x-protobuf",
                    "application/vnd.google.protobuf; proto=shop.Order",
                    "application/X-Protobuf ",
                ],
            ),
            (
                None,
                &["", "application/xml", "jso", "+jsonx", "é", "application/msgpack+x", "application/protobuf+json+"],
            ),
        ] {
            for text in texts {
                assert_eq!(Codec::of(text), codec, "{text}");
            }
        }
    }

    #[test]
    fn a_codec_is_found_by_its_own_content_type() {
        for codec in [Codec::Json, Codec::MsgPack, Codec::Protobuf] {
            assert_eq!(Codec::of(codec.content_type()), Some(codec));
        }
    }
}
