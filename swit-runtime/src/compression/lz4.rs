//! LZ4 in its frame format: one frame, with nothing after it.

use std::io::{self, ErrorKind, Read, Write};

use lz4_flex::frame::{FrameDecoder, FrameEncoder, FrameInfo};

use super::bounded::{Fault, read};

const MAGIC: &[u8] = &[0x04, 0x22, 0x4d, 0x18];
/// The flag for a content size, which then stands after magic, flags and block descriptor.
const HAS_SIZE: u8 = 0x08;

pub(super) fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let info = FrameInfo::new().content_size(Some(body.len() as u64)).content_checksum(true);
    let mut encoder = FrameEncoder::with_frame_info(info, Vec::new());
    encoder.write_all(body)?;
    encoder.finish().map_err(io::Error::other)
}

pub(super) fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    read(|| Ok(Frame(FrameDecoder::new(Source { rest: body, starved: false }))), claimed(body), limit)
}

fn claimed(body: &[u8]) -> Option<u64> {
    let after = body.strip_prefix(MAGIC)?;
    let size = after.get(2..)?.first_chunk::<8>().filter(|_| after[0] & HAS_SIZE != 0)?;
    Some(u64::from_le_bytes(*size))
}

/// What is left of a body, and whether more of it was wanted than there is.
struct Source<'a> {
    rest: &'a [u8],
    starved: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.starved |= self.rest.is_empty() && !into.is_empty();
        self.rest.read(into)
    }
}

/// One frame. The decoder takes a body that is cut off between two blocks for a whole one, and goes on to a second
/// frame; both are errors here.
struct Frame<'a>(FrameDecoder<Source<'a>>);

impl Read for Frame<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        // At the end of a frame the decoder answers 0 once; asked again, it looks for another.
        match self.0.read(into)? {
            0 if self.0.get_ref().starved => Err(ErrorKind::UnexpectedEof.into()),
            0 if !self.0.get_ref().rest.is_empty() => {
                Err(io::Error::new(ErrorKind::InvalidData, "there are bytes after the frame"))
            }
            some => Ok(some),
        }
    }
}
