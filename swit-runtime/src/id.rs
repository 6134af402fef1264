//! Message ids: who a message is, everywhere and for ever.
//!
//! A new message gets a UUIDv7 (RFC 9562). A message published under a delivery gets a UUIDv8 derived from the
//! delivery, so that a retried handler publishes the same ids again. A foreign id is kept as the opaque text it is.

use std::{cell::RefCell, fmt, sync::Arc, time::SystemTime};

use rand::{RngExt as _, SeedableRng, rngs::SmallRng};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::limits::MAX_ID_BYTES;

/// The id of a message: opaque text of at most 255 bytes, the deduplication key everywhere.
///
/// A canonical UUID (36 characters, lower case) is held in 16 bytes, so that the usual id needs no allocation; two ids
/// are equal exactly when their texts are.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageId(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Empty,
    Uuid(Uuid),
    Text(Arc<str>),
}

/// An id that is longer than 255 bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the message id has {bytes} bytes; use at most {MAX_ID_BYTES}")]
#[non_exhaustive]
pub struct IdTooLong {
    /// How many bytes it has.
    pub bytes: usize,
}

impl MessageId {
    /// No id. It is refused when published; a foreign message may arrive with it.
    pub const EMPTY: Self = Self(Repr::Empty);

    /// A new UUIDv7 of this moment.
    pub fn new(now: SystemTime) -> Self {
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        // A clock beyond the year 10889 wraps: 48 bits of milliseconds is what RFC 9562 gives.
        let millis = (since.as_secs().wrapping_mul(1_000) + u64::from(since.subsec_millis())) & 0xffff_ffff_ffff;
        let (low, high) = RANDOM.with_borrow_mut(|random| (random.random::<u64>(), random.random::<u64>()));
        let mut random = [0; 10];
        random[..8].copy_from_slice(&low.to_ne_bytes());
        random[8..].copy_from_slice(&high.to_ne_bytes()[..2]);
        Self(Repr::Uuid(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()))
    }

    /// The id of publication number `ordinal` under a delivery: UUIDv8 over SHA-256 of input id, subscriber, ordinal.
    pub fn derived(input: &Self, subscriber: &str, ordinal: u32) -> Self {
        Self::derived_in(input, subscriber, None, ordinal)
    }

    /// As [`derived`](Self::derived), counted for one event handler of a composite alone: what it publishes has the same
    /// ids whichever handlers run beside it.
    pub fn derived_in(input: &Self, subscriber: &str, handler: Option<&str>, ordinal: u32) -> Self {
        let mut hash = Sha256::new();
        let mut buffer = [0; 36];
        hash.update(input.encode(&mut buffer));
        // A zero byte can't stand in a name, so the parts can't be read in two ways.
        hash.update([0]);
        hash.update(subscriber);
        hash.update([0]);
        if let Some(handler) = handler {
            hash.update(handler);
            hash.update([0]);
        }
        hash.update(ordinal.to_be_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Self(Repr::Uuid(uuid::Builder::from_custom_bytes(bytes).into_uuid()))
    }

    /// The id of this text.
    ///
    /// # Errors
    /// More than 255 bytes.
    pub fn parse(text: &str) -> Result<Self, IdTooLong> {
        if text.is_empty() {
            return Ok(Self::EMPTY);
        }
        if text.len() > MAX_ID_BYTES {
            return Err(IdTooLong { bytes: text.len() });
        }
        if text.len() == 36
            && !text.bytes().any(|b| b.is_ascii_uppercase())
            && let Ok(uuid) = Uuid::try_parse(text)
        {
            return Ok(Self(Repr::Uuid(uuid)));
        }
        Ok(Self(Repr::Text(text.into())))
    }

    /// Whether there is no id.
    pub fn is_empty(&self) -> bool {
        matches!(self.0, Repr::Empty)
    }

    /// The text, written into `buffer` where it is not held as text.
    pub fn encode<'a>(&'a self, buffer: &'a mut [u8; 36]) -> &'a str {
        match &self.0 {
            Repr::Empty => "",
            Repr::Uuid(uuid) => uuid.as_hyphenated().encode_lower(buffer),
            Repr::Text(text) => text,
        }
    }
}

thread_local! {
    static RANDOM: RefCell<SmallRng> = RefCell::new(seeded());
}

fn seeded() -> SmallRng {
    // Seeded by the operating system. Where that is refused, which no supported system does, the hasher's keys (also
    // the system's randomness, drawn at start) stand in, so that no message path can panic here.
    SmallRng::try_from_rng(&mut rand::rngs::SysRng).unwrap_or_else(|_| {
        use std::hash::{BuildHasher as _, RandomState};
        SmallRng::seed_from_u64(RandomState::new().hash_one(std::process::id()))
    })
}

/// Has this thread's ids and jitter follow from a seed.
#[cfg(feature = "testing")]
pub(crate) fn reseed(seed: u64) {
    RANDOM.set(SmallRng::seed_from_u64(seed));
}

/// A number in 0..1 for jitter, from the same generator as the ids.
pub(crate) fn chance() -> f64 {
    RANDOM.with_borrow_mut(rand::RngExt::random)
}

impl Default for MessageId {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.encode(&mut [0; 36]))
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.encode(&mut [0; 36]), f)
    }
}

impl TryFrom<&str> for MessageId {
    type Error = IdTooLong;
    fn try_from(text: &str) -> Result<Self, IdTooLong> {
        Self::parse(text)
    }
}

impl TryFrom<String> for MessageId {
    type Error = IdTooLong;
    fn try_from(text: String) -> Result<Self, IdTooLong> {
        Self::parse(&text)
    }
}

impl From<Uuid> for MessageId {
    fn from(uuid: Uuid) -> Self {
        Self(Repr::Uuid(uuid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_ids_differ_and_carry_their_time() {
        let now = SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(0x0123_4567_89ab);
        let (a, b) = (MessageId::new(now).to_string(), MessageId::new(now).to_string());
        assert_ne!(a, b);
        assert!(a.starts_with("01234567-89ab-7"), "{a}");
    }

    #[test]
    fn derived_ids_repeat_and_depend_on_every_part() {
        let input = MessageId::parse("foreign-1").unwrap();
        let id = MessageId::derived(&input, "a", 0);
        assert_eq!(id, MessageId::derived(&input, "a", 0));
        assert_ne!(id, MessageId::derived(&input, "a", 1));
        assert_ne!(id, MessageId::derived(&input, "b", 0));
        assert_ne!(id, MessageId::derived(&MessageId::EMPTY, "a", 0));
        assert_eq!(id.to_string().as_bytes()[14], b'8', "version 8");
    }

    #[test]
    fn text_is_kept_as_it_came() {
        for text in ["x", "018f3e9a-0000-7000-8000-000000000000", "018F3E9A-0000-7000-8000-000000000000", "größe"] {
            let id = MessageId::parse(text).unwrap();
            assert_eq!(id.to_string(), text);
            assert_eq!(id, MessageId::parse(text).unwrap());
        }
        assert!(MessageId::parse("").unwrap().is_empty());
        assert_eq!(MessageId::parse(&"x".repeat(256)), Err(IdTooLong { bytes: 256 }));
    }
}
