//! Compression of bodies: what a publisher may do to a payload, and what is undone before anybody reads it.
//!
//! ```
//! use swit_runtime::{compression::{self, Compression}, message::Message};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let message = Message::new("order.placed", "{}".repeat(1_000));
//! // Without the feature it would be an error that names it.
//! if Compression::Gzip.is_compiled_in() {
//!     let sent = compression::encode(message.clone(), Compression::Gzip)?;
//!     assert_eq!(sent.content_encoding.as_deref(), Some("gzip"));
//!     assert_eq!(compression::decode(&sent, 1 << 20)?.as_ref(), Some(&message));
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Guarantee: however small a body is and whatever it claims, decompressing it holds no more memory than the limit and
//! the decoder's own buffers: up to 8 MiB for Zstandard (its window, RFC 9659), 12 MiB for LZ4 (its blocks), less than
//! 1 MiB for the others. A body that grows beyond the limit is given up where it does.

mod bounded;
mod coding;
mod error;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(feature = "lz4")]
mod lz4;
mod message;
#[cfg(feature = "snappy")]
mod snappy;
#[cfg(test)]
mod tests;
#[cfg(feature = "zstd")]
mod zstd;

use std::{fmt, io};

use bytes::Bytes;

use bounded::Fault;
pub use error::{CompressError, DecompressError};
pub use message::{WORTHWHILE_BYTES, decode, encode};

/// How a body is compressed. Each but [`None`](Self::None) needs the feature of its [`name`](Self::name).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// gzip (RFC 1952), at level 6: everybody reads it.
    Gzip,
    /// Snappy, as framed streams; raw blocks are read too. Little time, little gain.
    Snappy,
    /// LZ4, as one frame. Little time, little gain.
    Lz4,
    /// Zstandard (RFC 8878), at level 3: the best gain for its time.
    Zstd,
}

impl Compression {
    /// All that there are.
    pub const ALL: [Self; 5] = [Self::None, Self::Gzip, Self::Snappy, Self::Lz4, Self::Zstd];

    /// Its name in attributes and configuration, which is also the feature that it needs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }

    /// The compression of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|compression| compression.name() == name)
    }

    /// Checks that its feature is on.
    ///
    /// # Errors
    /// It is not; the fault names it.
    pub fn check(self) -> Result<(), swit_grammar::Fault> {
        if self.is_compiled_in() {
            return Ok(());
        }
        let name = self.name();
        let message = format!("the compression \"{name}\" is not compiled in");
        Err(swit_grammar::Fault::new(message, format!("enable the feature `{name}` of `swit`")))
    }

    /// Whether its feature is on.
    pub const fn is_compiled_in(self) -> bool {
        match self {
            Self::None => true,
            Self::Gzip => cfg!(feature = "gzip"),
            Self::Snappy => cfg!(feature = "snappy"),
            Self::Lz4 => cfg!(feature = "lz4"),
            Self::Zstd => cfg!(feature = "zstd"),
        }
    }

    /// Compresses a body, also where that makes it larger.
    ///
    /// # Errors
    /// Everything of [`CompressError`].
    pub fn compress(self, body: &Bytes) -> Result<Bytes, CompressError> {
        if self == Self::None {
            return Ok(body.clone());
        }
        if !self.is_compiled_in() {
            return Err(CompressError::NotCompiledIn { compression: self });
        }
        self.written(body).map(Bytes::from).map_err(|source| CompressError::Failed { compression: self, source })
    }

    /// Decompresses a body of which at most `limit` bytes come out. It runs to its end on the thread that calls it.
    ///
    /// # Errors
    /// Everything of [`DecompressError`] but [`DecompressError::Unknown`].
    pub fn decompress(self, body: &Bytes, limit: usize) -> Result<Bytes, DecompressError> {
        let decompressed = match self {
            Self::None if body.len() <= limit => return Ok(body.clone()),
            Self::None => Err(Fault::TooLarge),
            compression if !compression.is_compiled_in() => return Err(DecompressError::NotCompiledIn { compression }),
            // Every encoder writes something, be it of nothing.
            _ if body.is_empty() => Err(Fault::malformed("there is no body")),
            compression => compression.read(body, limit),
        };
        decompressed.map(Bytes::from).map_err(|fault| match fault {
            Fault::TooLarge => DecompressError::TooLarge { compression: self, limit },
            Fault::Malformed(source) => DecompressError::Malformed { compression: self, source },
        })
    }

    /// What the compression writes, where it is compiled in.
    fn written(self, body: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => gzip::compress(body),
            #[cfg(feature = "snappy")]
            Self::Snappy => snappy::compress(body),
            #[cfg(feature = "lz4")]
            Self::Lz4 => lz4::compress(body),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::compress(body),
            // Not reached: whoever calls has asked.
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, format!("{} bytes", body.len()))),
        }
    }

    /// What the compression reads, where it is compiled in.
    fn read(self, body: &[u8], limit: usize) -> Result<Vec<u8>, Fault> {
        match self {
            #[cfg(feature = "gzip")]
            Self::Gzip => gzip::decompress(body, limit),
            #[cfg(feature = "snappy")]
            Self::Snappy => snappy::decompress(body, limit),
            #[cfg(feature = "lz4")]
            Self::Lz4 => lz4::decompress(body, limit),
            #[cfg(feature = "zstd")]
            Self::Zstd => zstd::decompress(body, limit),
            // Not reached: whoever calls has asked.
            _ => Err(Fault::malformed(format!("{} of {limit} bytes", body.len()))),
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
