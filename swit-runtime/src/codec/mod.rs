//! Codecs: how an event becomes bytes and back, chosen by content type.

#[cfg(feature = "json")]
mod json;

use std::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::classify::{BoxError, Class, Classification, Classify};

/// A codec that is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Codec {
    /// JSON (RFC 8259), `application/json`.
    #[cfg(feature = "json")]
    Json,
}

impl Codec {
    /// The media type that names the codec in a message's content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            #[cfg(feature = "json")]
            Self::Json => "application/json",
        }
    }

    /// The codec of a content type; parameters (`; charset=utf-8`) and a `+json` suffix (RFC 6839) are understood.
    #[inline]
    pub fn of(content_type: &str) -> Option<Self> {
        match content_type {
            #[cfg(feature = "json")]
            "application/json" => Some(Self::Json),
            _ => Self::spelled_otherwise(content_type),
        }
    }

    fn spelled_otherwise(content_type: &str) -> Option<Self> {
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let json = essence.eq_ignore_ascii_case("application/json")
            || essence.eq_ignore_ascii_case("text/json")
            || essence.get(essence.len().saturating_sub(5)..).is_some_and(|end| end.eq_ignore_ascii_case("+json"));
        match json {
            #[cfg(feature = "json")]
            true => Some(Self::Json),
            _ => None,
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// [`DecodeError::Malformed`] and, for JSON, [`DecodeError::TooDeep`].
    pub fn decode<T: DeserializeOwned>(self, payload: &[u8]) -> Result<T, DecodeError> {
        // Without any codec this is never called, and the payload is never looked at.
        let _ = payload;
        match self {
            #[cfg(feature = "json")]
            Self::Json => json::decode(payload),
        }
    }

    /// Writes a payload.
    ///
    /// # Errors
    /// The value refuses to be serialized.
    pub fn encode<T: Serialize + ?Sized>(self, value: &T) -> Result<Vec<u8>, EncodeError> {
        let _ = value;
        match self {
            #[cfg(feature = "json")]
            Self::Json => json::encode(value),
        }
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
    /// JSON is nested deeper than the limit.
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
        for text in
            ["application/json", "application/json; charset=utf-8", "application/vnd.order+json", "APPLICATION/JSON"]
        {
            assert_eq!(Codec::of(text), Some(Codec::Json), "{text}");
        }
        for text in ["", "application/xml", "jso", "+jsonx", "é"] {
            assert_eq!(Codec::of(text), None, "{text}");
        }
    }
}
