//! Protocol Buffers, by `prost`.
//!
//! `prost` refuses messages nested deeper than 100 levels, unknown fields included, unless a crate of the program turns
//! its feature `no-recursion-limit` on. The format has no end of its own: whatever follows the fields is read as more
//! fields, and no bytes at all are a message of defaults.

use prost::Message;

use super::{DecodeError, EncodeError};
use crate::event::short_type_name;

/// Reads a payload.
///
/// # Errors
/// [`DecodeError::Malformed`], also for messages nested too deep.
pub fn decode<T: Message + Default>(payload: &[u8]) -> Result<T, DecodeError> {
    T::decode(payload)
        .map_err(|error| DecodeError::Malformed { type_name: short_type_name::<T>(), source: error.into() })
}

/// Writes a payload.
///
/// # Errors
/// None so far: a message that is there can be written.
pub fn encode<T: Message>(value: &T) -> Result<Vec<u8>, EncodeError> {
    Ok(value.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, PartialEq, Message)]
    struct Node {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(message, optional, boxed, tag = "2")]
        next: Option<Box<Self>>,
    }

    #[derive(Clone, PartialEq, Message)]
    struct Nothing {}

    fn nested(levels: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 1..levels {
            let mut outer = vec![0x12];
            prost::encode_length_delimiter(bytes.len(), &mut outer).expect("there is room");
            outer.append(&mut bytes);
            bytes = outer;
        }
        bytes
    }

    #[test]
    fn what_is_written_is_read() {
        let node = Node { name: "a".into(), next: Some(Box::new(Node::default())) };
        assert_eq!(decode::<Node>(&encode(&node).expect("it encodes")).expect("it decodes"), node);
        assert_eq!(decode::<Node>(b"").expect("no bytes are a message"), Node::default());
    }

    #[test]
    fn hostile_nesting_is_an_error() {
        assert!(decode::<Node>(&nested(100)).is_ok());
        assert!(decode::<Node>(&nested(102)).is_err());
        assert!(decode::<Node>(&nested(10_000)).is_err());
        // Groups that nobody knows, opened and never closed.
        assert!(decode::<Nothing>(&[0x1b].repeat(1_000_000)).is_err());
    }

    #[test]
    fn what_follows_is_more_fields_or_an_error() {
        let mut bytes = encode(&Node { name: "a".into(), next: None }).expect("it encodes");
        for (more, fine) in [(&[0x18, 1][..], true), (&[0x00], false), (&[0x0a, 200], false), (&[0xff], false)] {
            let len = bytes.len();
            bytes.extend_from_slice(more);
            assert_eq!(decode::<Node>(&bytes).is_ok(), fine, "{more:?}");
            bytes.truncate(len);
        }
    }
}
