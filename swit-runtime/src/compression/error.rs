//! What goes wrong with compressed bodies.

use super::Compression;
use crate::{
    classify::{BoxError, Class, Classification, Classify},
    codec::EncodeError,
};

/// A body that can't be compressed. Permanent: it fails again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompressError {
    /// The compression's feature is off.
    #[error("the compression `{compression}` is not compiled in; enable the feature `{compression}` of `swit`")]
    NotCompiledIn {
        /// The compression.
        compression: Compression,
    },
    /// The encoder failed.
    #[error("the body can't be compressed by `{compression}`: {source}")]
    Failed {
        /// The compression.
        compression: Compression,
        /// What it says.
        source: std::io::Error,
    },
}

impl Classify for CompressError {
    fn classify(&self) -> Classification {
        Class::Permanent.into()
    }
}

/// For publishers: a body that can't be compressed is an event that can't be encoded.
impl From<CompressError> for EncodeError {
    fn from(error: CompressError) -> Self {
        Self { type_name: "the body", source: error.into() }
    }
}

/// A body that can't be decompressed. Always `invalid_input`: the same bytes fail again.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecompressError {
    /// The content encoding is none that swit knows, or several at once.
    #[error(
        "the content encoding `{content_encoding}` is none that is known; known: gzip, zstd, lz4, x-snappy-framed, snappy, one at a time"
    )]
    Unknown {
        /// What the message says.
        content_encoding: String,
    },
    /// The compression's feature is off.
    #[error(
        "the body is compressed by `{compression}`, which is not compiled in; enable the feature `{compression}` of `swit`"
    )]
    NotCompiledIn {
        /// The compression.
        compression: Compression,
    },
    /// The bytes are not what the compression writes: cut short, damaged, followed by others.
    #[error("the body is no `{compression}`: {source}")]
    Malformed {
        /// The compression.
        compression: Compression,
        /// What the decoder says.
        source: BoxError,
    },
    /// More comes out than is allowed.
    #[error(
        "the body, compressed by `{compression}`, is larger than {limit} bytes; the limit is `limits.decompressed`"
    )]
    TooLarge {
        /// The compression.
        compression: Compression,
        /// The limit, in bytes.
        limit: usize,
    },
}

impl Classify for DecompressError {
    fn classify(&self) -> Classification {
        Class::InvalidInput.into()
    }
}
