//! Zstandard (RFC 8878), by its reference library.
//!
//! A window of more than 8 MiB is refused, as RFC 9659 says of content codings: the decoder keeps one in memory, of the
//! size that the body asks for.

use std::io;

use super::bounded::{Fault, read};

const LEVEL: i32 = 3;
/// Of the largest window, in powers of two: 8 MiB.
const WINDOW_LOG: u32 = 23;

pub(super) fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = zstd::bulk::Compressor::new(LEVEL)?;
    encoder.include_checksum(true)?;
    encoder.compress(body)
}

pub(super) fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    let open = || {
        let mut decoder = zstd::stream::read::Decoder::with_buffer(body)?;
        decoder.window_log_max(WINDOW_LOG)?;
        Ok(decoder)
    };
    read(open, claimed(body), limit)
}

/// The size that the first frame says, where it says one.
fn claimed(body: &[u8]) -> Option<u64> {
    zstd::zstd_safe::get_frame_content_size(body).ok().flatten()
}
