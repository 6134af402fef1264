//! Snappy: its framing format, and raw blocks.
//!
//! Each chunk of a framed stream has its checksum, the stream as a whole has none, nor an end: cut between two chunks it
//! is a shorter stream.

use std::io::{self, Write};

use snap::{
    raw::{Decoder, decompress_len},
    read::FrameDecoder,
    write::FrameEncoder,
};

use super::bounded::{Fault, read};

/// The chunk that every stream begins with.
const IDENTIFIER: &[u8] = b"\xff\x06\x00\x00sNaPpY";
const COMPRESSED: u8 = 0x00;
const UNCOMPRESSED: u8 = 0x01;
/// The checksum before the data of a chunk.
const CHECKSUM: usize = 4;

pub(super) fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    if body.is_empty() {
        // The encoder would write nothing at all.
        return Ok(IDENTIFIER.to_vec());
    }
    let mut encoder = FrameEncoder::new(Vec::new());
    encoder.write_all(body)?;
    encoder.into_inner().map_err(|error| io::Error::other(error.to_string()))
}

pub(super) fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    if body.starts_with(IDENTIFIER) {
        return read(|| Ok(FrameDecoder::new(body)), Some(claimed(body)), limit);
    }
    // A block begins with its size, and the decoder makes room for that.
    if decompress_len(body).map_err(Fault::malformed)? > limit {
        return Err(Fault::TooLarge);
    }
    Decoder::new().decompress_vec(body).map_err(Fault::malformed)
}

/// The size of all chunks that are whole. What is wrong with the others, the decoder says.
fn claimed(body: &[u8]) -> u64 {
    let (mut rest, mut size) = (body, 0_u64);
    while let Some((&[kind, low, middle, high], after)) = rest.split_first_chunk() {
        let Some((chunk, after)) = after.split_at_checked(u32::from_le_bytes([low, middle, high, 0]) as usize) else {
            break;
        };
        let data = chunk.get(CHECKSUM..).unwrap_or_default();
        size += match kind {
            COMPRESSED => decompress_len(data).unwrap_or_default() as u64,
            UNCOMPRESSED => data.len() as u64,
            _ => 0,
        };
        rest = after;
    }
    size
}
