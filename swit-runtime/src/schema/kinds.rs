//! Which schema a message is held to: by its topic and event type among an enum's events, by its version among the
//! versions of one.

use super::document::{Document, Violations};
use crate::{
    codec::Codec,
    event::{EventDescriptor, codec_of, is_of},
    message::Message,
};

/// The schemas of one argument.
#[derive(Debug)]
pub enum Kind {
    /// None: whoever decodes refuses the message, or there is nothing to decode.
    Unknown,
    /// A value that is read as JSON, whatever the message says.
    Value(Document),
    /// An event type in the version that the type is of.
    Event {
        /// Which.
        descriptor: &'static EventDescriptor,
        /// Its schema.
        document: Document,
    },
    /// An event type with older versions.
    Upcast {
        /// The version of the type; 0 in a message stands for it.
        version: u32,
        /// Its own.
        current: Box<Self>,
        /// Those of older versions.
        older: Box<Self>,
    },
    /// A variant of an enum of events.
    Either {
        /// Its events.
        of: &'static [EventDescriptor],
        /// Their schemas.
        then: Box<Self>,
        /// The other variants.
        rest: Box<Self>,
    },
}

impl Kind {
    /// As decoding would choose.
    pub(super) fn check(&self, message: &Message) -> Result<(), Violations> {
        match self {
            Self::Unknown => Ok(()),
            Self::Value(document) => document.check(&message.payload),
            Self::Event { descriptor, document } => match codec_of(descriptor, message) {
                Ok(Codec::Json) => document.check(&message.payload),
                Ok(codec) => Err(Violations::of(format!("a schema can't check `{codec}`"))),
                Err(_) => Ok(()),
            },
            Self::Upcast { version, current, older } => {
                let is_older = message.version > 0 && message.version < *version;
                if is_older { older.check(message) } else { current.check(message) }
            }
            Self::Either { of, then, rest } => {
                let is_this = of.iter().any(|descriptor| is_of(descriptor, message));
                if is_this { then.check(message) } else { rest.check(message) }
            }
        }
    }
}
