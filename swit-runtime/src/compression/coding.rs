//! What a message's content encoding says.
//!
//! | coding | compression |
//! |---|---|
//! | `gzip`, `x-gzip` | gzip (RFC 9110, 8.4.1.3) |
//! | `zstd` | Zstandard (RFC 8878, RFC 9659) |
//! | `x-snappy-framed`, `snappy` | Snappy. The first is what its framing format calls itself; under the second, streams and raw blocks are in use |
//! | `lz4` | LZ4 frame. Registered nowhere, used everywhere |
//!
//! Clients of AMQP also write character sets (`utf-8`) and `binary` there, alone or beside a compression
//! (`gzip, UTF-8`, `gzip:UTF-8`): they say nothing about compression and are passed over.

use super::{Compression, DecompressError};

const CODINGS: [(&str, Compression); 6] = [
    ("gzip", Compression::Gzip),
    ("x-gzip", Compression::Gzip),
    ("zstd", Compression::Zstd),
    ("lz4", Compression::Lz4),
    ("x-snappy-framed", Compression::Snappy),
    ("snappy", Compression::Snappy),
];

const UNCOMPRESSED: [&str; 9] = ["identity", "none", "binary", "7bit", "8bit", "utf-8", "utf8", "us-ascii", "ascii"];

impl Compression {
    /// The content coding that is written for it; none for [`Compression::None`].
    pub const fn content_encoding(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => Some("gzip"),
            Self::Snappy => Some("x-snappy-framed"),
            Self::Lz4 => Some("lz4"),
            Self::Zstd => Some("zstd"),
        }
    }

    /// The compression that a content encoding names, in any case; [`Compression::None`] where it names none.
    ///
    /// # Errors
    /// [`DecompressError::Unknown`]: it is not known, or there are several.
    pub fn of_content_encoding(content_encoding: &str) -> Result<Self, DecompressError> {
        let mut found = Self::None;
        for coding in content_encoding.split([',', ':']).map(str::trim).filter(|coding| !coding.is_empty()) {
            if UNCOMPRESSED.iter().any(|word| coding.eq_ignore_ascii_case(word)) {
                continue;
            }
            match CODINGS.iter().find(|(word, _)| coding.eq_ignore_ascii_case(word)) {
                Some((_, compression)) if found == Self::None => found = *compression,
                _ => return Err(DecompressError::Unknown { content_encoding: content_encoding.to_owned() }),
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codings_name_compressions() {
        for (text, expected) in [
            ("gzip", Compression::Gzip),
            ("GZIP", Compression::Gzip),
            ("x-gzip", Compression::Gzip),
            ("gzip, UTF-8", Compression::Gzip),
            ("zstd:utf-8", Compression::Zstd),
            ("x-snappy-framed", Compression::Snappy),
            ("snappy", Compression::Snappy),
            ("identity,lz4", Compression::Lz4),
            ("", Compression::None),
            ("utf-8", Compression::None),
            ("binary", Compression::None),
        ] {
            assert_eq!(Compression::of_content_encoding(text).expect(text), expected, "{text}");
        }
        for text in ["br", "deflate", "gzip, zstd", "gzip gzip", "gzip,gzip", "é"] {
            let error = Compression::of_content_encoding(text).expect_err(text).to_string();
            assert!(error.contains(&format!("`{text}`")), "{error}");
        }
    }

    #[test]
    fn what_is_written_is_understood() {
        for compression in Compression::ALL {
            let written = compression.content_encoding().unwrap_or_default();
            assert_eq!(Compression::of_content_encoding(written).expect("it is known"), compression);
            assert_eq!(Compression::named(compression.name()), Some(compression));
        }
        assert_eq!(Compression::named("brotli"), None);
    }
}
