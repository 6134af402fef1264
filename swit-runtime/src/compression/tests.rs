//! Bodies of every compression: back as they were, and of hostile ones an error within the limit.

use proptest::prelude::*;

use super::*;
use crate::message::Message;

/// Those that compress and are compiled in.
fn compressions() -> impl Iterator<Item = Compression> {
    Compression::ALL.into_iter().filter(|compression| *compression != Compression::None && compression.is_compiled_in())
}

fn text(len: usize) -> Bytes {
    b"{\"id\": 17, \"text\": \"gr\xc3\xbc\xc3\x9fe\"}, ".iter().copied().cycle().take(len).collect()
}

fn packed(compression: Compression, body: &Bytes) -> Bytes {
    compression.compress(body).expect("it compresses")
}

const SIZES: [usize; 8] = [0, 1, 255, 4_096, 65_536, 65_537, 1 << 20, 5 << 20];

#[test]
fn what_is_compressed_comes_back() {
    for (compression, size) in compressions().flat_map(|compression| SIZES.map(|size| (compression, size))) {
        let body = text(size);
        let small = packed(compression, &body);
        assert!(size < 4_096 || small.len() < size / 2, "{compression} {size}: {}", small.len());
        assert_eq!(compression.decompress(&small, size).expect("it decompresses"), body, "{compression} {size}");
    }
}

#[test]
fn the_limit_is_exact() {
    for (compression, size) in compressions().flat_map(|compression| SIZES.map(|size| (compression, size))) {
        let Some(limit) = size.checked_sub(1) else { continue };
        let error = compression.decompress(&packed(compression, &text(size)), limit).expect_err("it is too large");
        assert!(matches!(error, DecompressError::TooLarge { limit: told, .. } if told == limit), "{error}");
    }
    let plain = text(10);
    assert_eq!(Compression::None.decompress(&plain, 10).expect("it fits"), plain);
    assert!(Compression::None.decompress(&plain, 9).is_err());
}

#[test]
fn what_is_cut_short_is_no_body() {
    for compression in compressions() {
        // Several blocks, so that some cuts fall between two.
        for size in [600, 200_000] {
            let small = packed(compression, &text(size));
            for cut in (0..small.len()).filter(|cut| small.len() < 2_000 || cut % 97 == 0 || small.len() - cut < 100) {
                match compression.decompress(&small.slice(..cut), 1 << 20) {
                    Err(DecompressError::Malformed { .. }) => {}
                    // The one format without an end: cut between two chunks it is a shorter stream.
                    Ok(shorter) if compression == Compression::Snappy => assert!(shorter.len() % 65_536 == 0),
                    other => panic!("{compression}, {cut} of {}: {:?}", small.len(), other.map(|body| body.len())),
                }
            }
        }
    }
}

#[test]
fn what_follows_is_an_error() {
    for compression in compressions() {
        for more in [&b"x"[..], b"more than a few bytes of it", &[0; 4], &[0; 64]] {
            let mut body = packed(compression, &text(1_000)).to_vec();
            body.extend_from_slice(more);
            let answer = compression.decompress(&body.into(), 1 << 20);
            assert!(matches!(answer, Err(DecompressError::Malformed { .. })), "{compression} {more:?}: {answer:?}");
        }
    }
}

#[test]
fn a_changed_bit_is_seen() {
    for compression in compressions() {
        let (plain, small) = (text(1_000), packed(compression, &text(1_000)));
        for bit in 0..small.len() * 8 {
            let mut body = small.to_vec();
            body[bit / 8] ^= 1 << (bit % 8);
            // Some bits mean nothing, such as the time in the header of gzip; none changes what comes out. Only in Snappy,
            // where nothing protects the kind of a chunk, one of them makes it a chunk to be passed over.
            if let Ok(body) = compression.decompress(&body.into(), 1 << 20) {
                let passed_over = compression == Compression::Snappy && body.is_empty();
                assert!(body == plain || passed_over, "{compression}: bit {bit}");
            }
        }
    }
}

#[test]
fn one_compression_is_not_another() {
    for (written, read) in compressions().flat_map(|written| compressions().map(move |read| (written, read))) {
        let answer = read.decompress(&packed(written, &text(5_000)), 1 << 20);
        assert_eq!(answer.is_ok(), written == read, "{written} read as {read}");
    }
}

#[test]
fn small_and_random_bodies_stay_as_they_are() {
    for compression in compressions() {
        let encoding = |payload: Bytes| {
            let message = encode(Message::new("t", payload), compression).expect("it encodes");
            message.content_encoding.map(|encoding| encoding.to_string())
        };
        assert_eq!(encoding(text(WORTHWHILE_BYTES - 1)), None);
        assert_eq!(encoding(text(WORTHWHILE_BYTES)), compression.content_encoding().map(str::to_owned));
        let random: Bytes = (0..4_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        let random = sha2_stream(&random);
        assert_eq!(encoding(random), None, "{compression}");
        // Who says how a message is encoded has encoded it.
        let said = Message::new("t", text(5_000)).with_content_encoding("gzip");
        assert_eq!(encode(said.clone(), compression).expect("it stays"), said);
    }
    let message = Message::new("t", text(5_000));
    assert_eq!(encode(message.clone(), Compression::None).expect("it stays"), message);
}

/// Bytes that nothing compresses.
fn sha2_stream(seed: &[u8]) -> Bytes {
    use sha2::{Digest, Sha256};
    seed.chunks(32).flat_map(|chunk| Sha256::digest(chunk).to_vec()).collect()
}

#[test]
fn a_message_comes_back_as_it_was() {
    for compression in compressions() {
        let message = Message::new("t", text(5_000)).with_key("k").with_content_type("application/json");
        let sent = encode(message.clone(), compression).expect("it encodes");
        assert_eq!(decode(&sent, 5_000).expect("it decodes"), Some(message));
    }
    // A character set is no compression.
    assert_eq!(decode(&Message::new("t", "x").with_content_encoding("UTF-8"), 0).expect("nothing to do"), None);
    assert!(decode(&Message::new("t", "x").with_content_encoding("br"), 10).is_err());
}

#[test]
fn what_is_not_compiled_in_says_so() {
    for compression in Compression::ALL.into_iter().filter(|compression| !compression.is_compiled_in()) {
        let feature = format!("enable the feature `{compression}` of `swit`");
        let texts = [
            compression.compress(&text(9)).expect_err("it is not there").to_string(),
            compression.decompress(&text(9), 9).expect_err("it is not there").to_string(),
            encode(Message::new("t", ""), compression).expect_err("it is not there").to_string(),
        ];
        assert!(texts.iter().all(|text| text.ends_with(&feature)), "{texts:?}");
    }
}

/// A body that is small and says it is large, or says nothing and is.
#[cfg(all(feature = "gzip", feature = "lz4", feature = "snappy", feature = "zstd"))]
mod bombs {
    use super::*;

    const LIMIT: usize = 1 << 20;

    fn refuse(compression: Compression, body: impl Into<Bytes>) {
        let answer = compression.decompress(&body.into(), LIMIT).map(|body| body.len());
        assert!(matches!(answer, Err(DecompressError::TooLarge { limit: LIMIT, .. })), "{compression}: {answer:?}");
    }

    #[test]
    fn ten_gibibytes_claimed() {
        const CLAIM: u64 = 10 << 30;
        // Zstandard: magic, «size of 8 bytes, single segment», size.
        refuse(Compression::Zstd, [&[0x28, 0xb5, 0x2f, 0xfd, 0xe0][..], &CLAIM.to_le_bytes(), &[0; 20]].concat());
        // LZ4: magic, version with size, blocks of 64 KiB, size.
        refuse(Compression::Lz4, [&[0x04, 0x22, 0x4d, 0x18, 0x68, 0x40][..], &CLAIM.to_le_bytes(), &[0; 20]].concat());
        // Snappy, a raw block: its size comes first, 4 GiB at most.
        refuse(Compression::Snappy, &[0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x61][..]);
        // gzip: the size comes last, modulo 4 GiB. It is believed only where it is possible.
        let mut body = packed(Compression::Gzip, &text(100)).to_vec();
        let at = body.len() - 4;
        body[at..].copy_from_slice(&u32::MAX.to_le_bytes());
        let answer = Compression::Gzip.decompress(&body.into(), LIMIT);
        assert!(matches!(answer, Err(DecompressError::Malformed { .. })), "{answer:?}");
    }

    #[test]
    fn a_claim_that_is_too_small() {
        // Zstandard frames follow each other, and only the first one's size is known.
        let small = packed(Compression::Zstd, &text(10));
        refuse(Compression::Zstd, [small, packed(Compression::Zstd, &text(LIMIT))].concat());
        let small = packed(Compression::Gzip, &text(10));
        refuse(Compression::Gzip, [packed(Compression::Gzip, &text(LIMIT)), small].concat());
        // Members within the limit are one body.
        let two = [packed(Compression::Gzip, &text(9)), packed(Compression::Gzip, &text(5))].concat();
        assert_eq!(Compression::Gzip.decompress(&two.into(), 14).expect("it fits").len(), 14);
    }

    #[test]
    fn a_window_that_is_too_large_is_refused() {
        // Windows of 16 MiB and of 128 MiB, then a last block without content.
        for window in [0x70, 0x88] {
            let body = Bytes::from([&[0x28, 0xb5, 0x2f, 0xfd, 0x00, window][..], &[1, 0, 0]].concat());
            let answer = Compression::Zstd.decompress(&body, LIMIT);
            assert!(matches!(answer, Err(DecompressError::Malformed { .. })), "{answer:?}");
        }
        let body = Bytes::from([&[0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x68][..], &[1, 0, 0]].concat());
        assert_eq!(Compression::Zstd.decompress(&body, LIMIT).expect("8 MiB are fine").len(), 0);
    }
}

proptest! {
    #[test]
    fn any_body_comes_back(body in prop::collection::vec(any::<u8>(), 0..3_000), repeat in 1..40_usize) {
        let body = Bytes::from(body.repeat(repeat));
        for compression in compressions() {
            let small = packed(compression, &body);
            prop_assert_eq!(&compression.decompress(&small, body.len()).expect("it decompresses"), &body);
        }
    }

    #[test]
    fn garbage_is_answered_and_never_panics(
        body in prop::collection::vec(any::<u8>(), 0..400),
        at in 0..10_usize,
        size in 0..2_000_usize,
    ) {
        for compression in compressions() {
            let _ = compression.decompress(&Bytes::from(body.clone()), 10_000);
            // Garbage behind a beginning that is right, and in the middle of what was right.
            let mut damaged = packed(compression, &text(size)).to_vec();
            let from = damaged.len() * at / 10;
            damaged.truncate(from);
            damaged.extend_from_slice(&body);
            let answer = compression.decompress(&damaged.into(), 10_000);
            prop_assert!(answer.map_or(true, |body| body.len() <= 10_000));
        }
    }
}
