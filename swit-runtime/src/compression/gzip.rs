//! gzip (RFC 1952), one member or several.

use std::io::{self, Write};

use flate2::{bufread::MultiGzDecoder, write::GzEncoder};

use super::bounded::{Fault, read};

/// The shortest member: header and trailer.
const LEAST: usize = 18;

pub(super) fn compress(body: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body)?;
    encoder.finish()
}

pub(super) fn decompress(body: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
    // A claim beyond the limit may as well be the end of a body that was cut off, which is another error.
    let claimed = claimed(body).filter(|claimed| usize::try_from(*claimed).is_ok_and(|claimed| claimed <= limit));
    read(|| Ok(MultiGzDecoder::new(body)), claimed, limit)
}

/// The size of the last member, modulo 2³², which its trailer ends with.
fn claimed(body: &[u8]) -> Option<u64> {
    let size = body.last_chunk::<4>().filter(|_| body.len() >= LEAST)?;
    Some(u32::from_le_bytes(*size).into())
}
