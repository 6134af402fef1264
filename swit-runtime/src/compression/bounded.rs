//! Reading what a decoder gives, within a limit.
//!
//! Guarantee: what is reserved for the result is never more than the limit, and never grows, so that no two copies of it
//! are there at once. Where nothing says how large it will be, the body is gone through twice: to count, then to keep.

#![cfg_attr(
    not(any(feature = "gzip", feature = "snappy", feature = "lz4", feature = "zstd")),
    expect(dead_code, reason = "no compression is compiled in")
)]

use std::io::{self, Read};

use crate::classify::BoxError;

/// What is counted at a time.
const STEP: usize = 32 * 1024;

/// Why a body can't be had.
#[derive(Debug)]
pub(super) enum Fault {
    TooLarge,
    Malformed(BoxError),
}

impl Fault {
    pub(super) fn malformed(why: impl Into<BoxError>) -> Self {
        Self::Malformed(why.into())
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::malformed(error)
    }
}

/// All that the decoders which `open` makes give. `claimed` is the size that the body itself says; it is believed where
/// it says too much, and checked where it says less.
pub(super) fn read<R: Read>(
    open: impl Fn() -> io::Result<R>,
    claimed: Option<u64>,
    limit: usize,
) -> Result<Vec<u8>, Fault> {
    if let Some(claimed) = claimed {
        let size = usize::try_from(claimed).ok().filter(|size| *size <= limit).ok_or(Fault::TooLarge)?;
        if let Some(whole) = exactly(open()?, size)? {
            return Ok(whole);
        }
    }
    let size = count(open()?, limit)?;
    exactly(open()?, size)?.ok_or_else(|| Fault::malformed("it differs from one reading to the next"))
}

/// All of it, where that is no more than `size`. Room for all is made at once, but only what is filled is touched.
fn exactly(mut decoder: impl Read, size: usize) -> Result<Option<Vec<u8>>, Fault> {
    let mut whole = Vec::new();
    whole.try_reserve_exact(size).map_err(Fault::malformed)?;
    decoder.by_ref().take(size as u64).read_to_end(&mut whole)?;
    // A decoder checks what follows the last byte only when it is asked for one more.
    Ok((some(&mut decoder, &mut [0])? == 0).then_some(whole))
}

fn count(mut decoder: impl Read, limit: usize) -> Result<usize, Fault> {
    let (mut step, mut size) = (vec![0; STEP], 0);
    loop {
        match some(&mut decoder, &mut step)? {
            0 => return Ok(size),
            more => size += more,
        }
        if size > limit {
            return Err(Fault::TooLarge);
        }
    }
}

fn some(decoder: &mut impl Read, into: &mut [u8]) -> io::Result<usize> {
    loop {
        match decoder.read(into) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}
