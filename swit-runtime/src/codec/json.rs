//! JSON (RFC 8259), nested at most [`MAX_JSON_DEPTH`] levels.
//!
//! `serde_json` limits its own recursion, but not over fields that the type ignores, and its limit is one level off
//! ours; so the depth is measured here, before anything is read, and its limit is switched off.

use serde::{Serialize, de::DeserializeOwned};

use super::{DecodeError, EncodeError};
use crate::limits::MAX_JSON_DEPTH;

/// Reads a payload.
///
/// # Errors
/// [`DecodeError::Malformed`], also for bytes after the value, and [`DecodeError::TooDeep`].
pub fn decode<T: DeserializeOwned>(payload: &[u8]) -> Result<T, DecodeError> {
    if too_deep(payload) {
        return Err(DecodeError::TooDeep { limit: MAX_JSON_DEPTH });
    }
    let mut reader = serde_json::Deserializer::from_slice(payload);
    reader.disable_recursion_limit();
    T::deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value))
        .map_err(|error| DecodeError::Malformed { type_name: short_name::<T>(), source: error.into() })
}

/// Writes a payload.
///
/// # Errors
/// The value refuses to be serialized.
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, EncodeError> {
    serde_json::to_vec(value).map_err(|error| EncodeError { type_name: short_name::<T>(), source: error.into() })
}

fn short_name<T: ?Sized>() -> &'static str {
    crate::event::short_type_name::<T>()
}

/// Whether arrays and objects are nested deeper than the limit.
///
/// Too few brackets can't be too deep, and counting them costs next to nothing; only the rest is scanned.
#[inline]
fn too_deep(payload: &[u8]) -> bool {
    // What is opened must be closed: a shorter text is either flat enough or malformed within a few levels more.
    payload.len() > 2 * MAX_JSON_DEPTH && open_brackets(payload) > MAX_JSON_DEPTH && depth_exceeds(payload)
}

/// How many `[` and `{` there are, in text and out of it. Counted in bytes over chunks that can't overflow them, which
/// compilers turn into vector instructions.
fn open_brackets(payload: &[u8]) -> usize {
    payload
        .chunks(usize::from(u8::MAX))
        // The two differ in one bit, and no other byte becomes `{` with it set.
        .map(|chunk| usize::from(chunk.iter().map(|byte| u8::from(byte | 0x20 == b'{')).sum::<u8>()))
        .sum()
}

#[cold]
fn depth_exceeds(payload: &[u8]) -> bool {
    let (mut depth, mut in_text, mut escaped) = (0usize, false, false);
    for byte in payload {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                if depth > MAX_JSON_DEPTH {
                    return true;
                }
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn nested(levels: usize) -> String {
        format!("{}{}", "[".repeat(levels), "]".repeat(levels))
    }

    #[test]
    fn exactly_the_limit_is_read() {
        assert!(decode::<Value>(nested(MAX_JSON_DEPTH).as_bytes()).is_ok());
        assert!(matches!(decode::<Value>(nested(MAX_JSON_DEPTH + 1).as_bytes()), Err(DecodeError::TooDeep { .. })));
        assert!(matches!(decode::<Value>("[".repeat(100_000).as_bytes()), Err(DecodeError::TooDeep { .. })));
    }

    #[test]
    fn unknown_fields_count_too() {
        #[derive(serde::Deserialize)]
        struct Small {}
        let text = format!("{{\"unknown\": {}}}", nested(MAX_JSON_DEPTH));
        assert!(matches!(decode::<Small>(text.as_bytes()), Err(DecodeError::TooDeep { .. })));
    }

    #[test]
    fn brackets_are_counted_whole() {
        let every: Vec<u8> = (0..=255).collect();
        assert_eq!(open_brackets(&every), 2);
        assert_eq!(open_brackets(&b"[".repeat(1_000)), 1_000);
    }

    #[test]
    fn brackets_in_text_do_not_count() {
        let text = format!("[\"{}\\\"{}\"]", "[".repeat(500), "{".repeat(500));
        assert!(decode::<Vec<String>>(text.as_bytes()).is_ok());
    }

    #[test]
    fn what_follows_the_value_is_refused() {
        assert!(decode::<u32>(b"1 2").is_err());
    }
}
