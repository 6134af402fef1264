//! Compression of whole messages: the body changes, and its content encoding says how.

use super::{CompressError, Compression, DecompressError};
use crate::{message::Message, text::Text};

/// Bodies below this size are not compressed: what could be won is less than what the effort costs.
pub const WORTHWHILE_BYTES: usize = 256;

/// The message with its body compressed and its content encoding set: what a publisher calls, last of all.
///
/// It stays as it is where that would be no gain: below [`WORTHWHILE_BYTES`], or when it would not get smaller. So it
/// does where it says how it is encoded: who set a content encoding has compressed it.
///
/// # Errors
/// Everything of [`CompressError`]; that the feature is off, whatever the message.
pub fn encode(mut message: Message, compression: Compression) -> Result<Message, CompressError> {
    let Some(content_encoding) = compression.content_encoding() else { return Ok(message) };
    if !compression.is_compiled_in() {
        return Err(CompressError::NotCompiledIn { compression });
    }
    if message.content_encoding.is_some() || message.payload.len() < WORTHWHILE_BYTES {
        return Ok(message);
    }
    let compressed = compression.compress(&message.payload)?;
    if compressed.len() < message.payload.len() {
        message.payload = compressed;
        message.content_encoding = Some(Text::from_static(content_encoding));
    }
    Ok(message)
}

/// The message with its body decompressed, at most `limit` bytes of it, and without a content encoding; `None` where it
/// is not compressed.
///
/// # Errors
/// Everything of [`DecompressError`].
pub fn decode(message: &Message, limit: usize) -> Result<Option<Message>, DecompressError> {
    let Some(content_encoding) = &message.content_encoding else { return Ok(None) };
    let compression = Compression::of_content_encoding(content_encoding)?;
    if compression == Compression::None {
        return Ok(None);
    }
    let payload = compression.decompress(&message.payload, limit)?;
    Ok(Some(Message { payload, content_encoding: None, ..message.clone() }))
}
