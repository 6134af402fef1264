//! MessagePack, nested at most [`MAX_MSGPACK_DEPTH`] levels.
//!
//! Structs are written as maps with the names of their fields, so that a reader may know more or fewer of them, and are
//! read from maps and from arrays. The format counts as not human-readable: types that have two forms in serde (UUIDs,
//! addresses) take their compact one.
//!
//! `rmp-serde` limits its own recursion, but not that over enums; so the depth is measured here, before anything is read.

use std::io::ErrorKind;

use rmp_serde::decode::Error;
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use super::{DecodeError, EncodeError};
use crate::{event::short_type_name, limits::MAX_MSGPACK_DEPTH};

/// Reads a payload.
///
/// # Errors
/// [`DecodeError::Malformed`], also for bytes after the value, and [`DecodeError::TooDeep`].
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    if too_deep(payload) {
        return Err(DecodeError::TooDeep { limit: MAX_MSGPACK_DEPTH });
    }
    let mut reader = rmp_serde::Deserializer::from_read_ref(payload);
    T::deserialize(&mut reader)
        .and_then(|value| end(&mut reader).map(|()| value))
        .map_err(|error| DecodeError::Malformed { type_name: short_type_name::<T>(), source: error.into() })
}

/// Writes a payload.
///
/// # Errors
/// The value refuses to be serialized.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    rmp_serde::to_vec_named(value)
        .map_err(|error| EncodeError { type_name: short_type_name::<T>(), source: error.into() })
}

/// An error unless everything is read. The reader does not say what is left, so it is asked for one value more.
fn end<'de, D>(reader: D) -> Result<(), Error>
where
    D: Deserializer<'de, Error = Error>,
{
    match u8::deserialize(reader) {
        Err(Error::InvalidMarkerRead(error)) if error.kind() == ErrorKind::UnexpectedEof => Ok(()),
        _ => Err(Error::Syntax("there are bytes after the value".to_owned())),
    }
}

/// Whether arrays and maps are nested deeper than the limit.
///
/// Too few that open can't be too deep, and counting them costs next to nothing; only the rest is scanned.
#[inline]
fn too_deep(payload: &[u8]) -> bool {
    payload.len() > MAX_MSGPACK_DEPTH && markers(payload) > MAX_MSGPACK_DEPTH && depth_exceeds(payload)
}

/// How many bytes may open an array or a map, in values and out of them. Counted in bytes over chunks that can't
/// overflow them, which compilers turn into vector instructions.
fn markers(payload: &[u8]) -> usize {
    let opens = |byte: &u8| u8::from(byte & 0xe0 == 0x80) | u8::from(byte & 0xfc == 0xdc);
    payload.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(chunk.iter().map(opens).sum::<u8>())).sum()
}

/// Goes over the values without reading them. What is cut short or no MessagePack is left for the reader to refuse: it
/// gets no further than this did.
#[cold]
fn depth_exceeds(payload: &[u8]) -> bool {
    // Of each array and map that is open, how many values are still to come.
    let mut open: Vec<u64> = Vec::with_capacity(MAX_MSGPACK_DEPTH);
    let mut rest = payload;
    loop {
        let Some(value) = Value::next(&mut rest) else { return false };
        match value {
            Value::Leaf => {}
            Value::Holds(values) => {
                if open.len() == MAX_MSGPACK_DEPTH {
                    return true;
                }
                open.push(values);
            }
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        match open.last_mut() {
            Some(left) => *left -= 1,
            None => return false,
        }
    }
}

/// A value as far as nesting goes.
enum Value {
    Leaf,
    /// An array or map of this many values; a map has two for each entry.
    Holds(u64),
}

impl Value {
    /// Takes a marker and what belongs to it off the front; `None` where that is not whole.
    fn next(rest: &mut &[u8]) -> Option<Self> {
        let (marker, after) = rest.split_first()?;
        *rest = after;
        let leaf = |rest: &mut &[u8], bytes: u64| {
            *rest = rest.get(usize::try_from(bytes).ok()?..)?;
            Some(Self::Leaf)
        };
        match *marker {
            0x00..=0x7f | 0xc0 | 0xc2 | 0xc3 | 0xe0..=0xff => Some(Self::Leaf),
            0x80..=0x8f => Some(Self::Holds(2 * u64::from(marker & 0x0f))),
            0x90..=0x9f => Some(Self::Holds(u64::from(marker & 0x0f))),
            0xa0..=0xbf => leaf(rest, u64::from(marker & 0x1f)),
            // Reserved: never used.
            0xc1 => None,
            // Binary, extensions (with a byte for their type) and text, after a length of 1, 2 or 4 bytes.
            0xc4..=0xc6 => number(rest, 1 << (marker - 0xc4)).and_then(|len| leaf(rest, len)),
            0xc7..=0xc9 => number(rest, 1 << (marker - 0xc7)).and_then(|len| leaf(rest, len + 1)),
            0xd9..=0xdb => number(rest, 1 << (marker - 0xd9)).and_then(|len| leaf(rest, len)),
            // Numbers of 4 and 8 bytes, of 1 to 8 bytes, and extensions of 1 to 16 bytes.
            0xca | 0xcb => leaf(rest, 4 << (marker - 0xca)),
            0xcc..=0xcf => leaf(rest, 1 << (marker - 0xcc)),
            0xd0..=0xd3 => leaf(rest, 1 << (marker - 0xd0)),
            0xd4..=0xd8 => leaf(rest, 1 + (1 << (marker - 0xd4))),
            0xdc | 0xdd => number(rest, 2 << (marker - 0xdc)).map(Self::Holds),
            0xde | 0xdf => number(rest, 2 << (marker - 0xde)).map(|entries| Self::Holds(2 * entries)),
        }
    }
}

/// Takes a big-endian number of this many bytes off the front.
fn number(rest: &mut &[u8], bytes: usize) -> Option<u64> {
    let (number, after) = rest.split_at_checked(bytes)?;
    *rest = after;
    Some(number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// Whatever it is, as deep as it goes.
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(i64),
        Text(String),
        List(Vec<Any>),
        Map(BTreeMap<String, Any>),
    }

    /// An enum within itself: `rmp-serde` does not count these levels.
    #[derive(Debug, Serialize, Deserialize)]
    enum Shell {
        In(Box<Shell>),
        Core,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Order {
        id: u32,
        lines: Vec<String>,
    }

    fn nested(levels: usize) -> Vec<u8> {
        let mut bytes = vec![0x91; levels - 1];
        bytes.push(0x90);
        bytes
    }

    fn shells(levels: usize) -> Vec<u8> {
        // {"In": {"In": … "Core"}}
        let mut bytes = b"\x81\xa2In".repeat(levels);
        bytes.extend_from_slice(b"\xa4Core");
        bytes
    }

    fn refused<T: DeserializeOwned>(payload: &[u8]) -> bool {
        matches!(decode::<T>(payload), Err(DecodeError::TooDeep { limit: MAX_MSGPACK_DEPTH }))
    }

    #[test]
    fn exactly_the_limit_is_read() {
        assert!(decode::<serde::de::IgnoredAny>(&nested(MAX_MSGPACK_DEPTH)).is_ok());
        assert!(refused::<serde::de::IgnoredAny>(&nested(MAX_MSGPACK_DEPTH + 1)));
        assert!(refused::<Order>(&[0x91].repeat(1_000_000)));
        assert!(refused::<Order>(&b"\xdd\x00\x00\x00\x02".repeat(200_000)));
        assert!(refused::<Order>(&b"\xde\x00\x01\x01".repeat(200_000)));
    }

    #[test]
    fn enums_count_too() {
        assert!(decode::<Shell>(&shells(MAX_MSGPACK_DEPTH)).is_ok());
        assert!(refused::<Shell>(&shells(MAX_MSGPACK_DEPTH + 1)));
        assert!(refused::<Shell>(&shells(1_000_000)));
    }

    #[test]
    fn unknown_fields_count_too() {
        let mut bytes = b"\x83\xa2id\x01\xa5lines\x90\xa1x".to_vec();
        bytes.extend(nested(MAX_MSGPACK_DEPTH - 1));
        assert_eq!(decode::<Order>(&bytes).expect("unknown fields are passed over").id, 1);
        bytes.truncate(bytes.len() - 1);
        bytes.extend([0x91, 0x90]);
        assert!(refused::<Order>(&bytes));
    }

    #[test]
    fn what_looks_like_nesting_inside_of_values_does_not_count() {
        let bytes =
            rmp_serde::to_vec(&("é".repeat(400), vec![0x9191_9191_u32; 50], vec![vec![1]; 500])).expect("it encodes");
        assert!(markers(&bytes) > MAX_MSGPACK_DEPTH);
        assert!(decode::<(String, Vec<u32>, Vec<Vec<u8>>)>(&bytes).is_ok());
    }

    #[test]
    fn what_follows_the_value_is_refused() {
        let mut bytes = encode(&Order { id: 7, lines: vec!["a".into()] }).expect("it encodes");
        assert!(decode::<Order>(&bytes).is_ok());
        for more in [0x00, 0xc0, 0xc1, 0xcd, 0xd9, 0x90] {
            bytes.push(more);
            let error = decode::<Order>(&bytes).expect_err("there is more").to_string();
            assert!(error.contains("after the value"), "{more}: {error}");
            bytes.pop();
        }
    }

    #[test]
    fn structs_are_read_from_maps_and_from_arrays() {
        let order = Order { id: 7, lines: vec!["a".into()] };
        assert!(encode(&order).expect("it encodes").windows(5).any(|part| part == b"lines"));
        assert_eq!(decode::<Order>(b"\x92\x07\x91\xa1a").expect("it decodes"), order);
    }

    #[test]
    fn claimed_lengths_reserve_nothing() {
        for claim in
            [&b"\xdd\xff\xff\xff\xff"[..], b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff"]
        {
            assert!(decode::<Any>(claim).is_err());
            assert!(decode::<Vec<u64>>(claim).is_err());
        }
    }

    fn values() -> impl Strategy<Value = Any> {
        let leaf = prop_oneof![any::<i64>().prop_map(Any::Number), ".{0,40}".prop_map(Any::Text)];
        leaf.prop_recursive(6, 64, 8, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..8).prop_map(Any::List),
                prop::collection::btree_map(".{0,8}", inner, 0..8).prop_map(Any::Map),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in values()) {
            let bytes = encode(&value).expect("it encodes");
            prop_assert_eq!(decode::<Any>(&bytes).expect("it decodes"), value);
            // The scan ends where the reader does.
            let mut rest = bytes.as_slice();
            let mut left = 1_u64;
            while left > 0 {
                left -= 1;
                if let Value::Holds(values) = Value::next(&mut rest).expect("it is whole") { left += values; }
            }
            prop_assert!(rest.is_empty());
        }

        #[test]
        fn what_is_cut_short_is_refused(value in values(), cut in 0.0..1.0) {
            let bytes = encode(&value).expect("it encodes");
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length")]
            let cut = (bytes.len() as f64 * cut) as usize;
            prop_assert!(decode::<Any>(&bytes[..cut]).is_err());
        }

        #[test]
        fn garbage_is_answered_and_never_panics(bytes in prop::collection::vec(prop::num::u8::ANY, 0..600)) {
            let _ = decode::<Any>(&bytes);
            let _ = decode::<Order>(&bytes);
            let _ = decode::<Shell>(&bytes);
            depth_exceeds(&bytes);
        }
    }
}
