//! A fast hash for topics: folded multiplication under a random seed.
//!
//! It is not SipHash, but nobody outside sees its values or its seed, and what it indexes is bounded.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers of one random seed.
#[derive(Debug, Clone)]
pub(super) struct Seeded(u64);

impl Default for Seeded {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0) | 1)
    }
}

impl BuildHasher for Seeded {
    type Hasher = Folded;

    #[inline]
    fn build_hasher(&self) -> Folded {
        Folded { state: self.0, seed: self.0 }
    }
}

/// The state of one hash.
#[derive(Debug)]
pub(super) struct Folded {
    state: u64,
    seed: u64,
}

impl Folded {
    #[inline]
    fn fold(&mut self, word: u64) {
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        let product = u128::from(self.state ^ word) * u128::from(self.seed ^ FACTOR);
        let [low, high] = [product, product >> 64].map(|half| half & u128::from(u64::MAX));
        self.state = u64::try_from(low ^ high).unwrap_or_default();
    }
}

impl Hasher for Folded {
    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        // The length keeps texts apart that differ in zeros at their end.
        self.fold(u64::from_le_bytes(last));
        self.fold(bytes.len() as u64);
    }

    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.fold(u64::from(byte));
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn texts_that_differ_hash_differently_and_alike_under_one_seed() {
        let seeded = Seeded::default();
        let texts =
            (0..10_000).map(|number| format!("order.{number}")).chain(["a", "a\0", "a\0\0", ""].map(String::from));
        let hashes: HashSet<u64> = texts.map(|text| seeded.hash_one(text.as_str())).collect();
        assert_eq!(hashes.len(), 10_004);
        assert_eq!(seeded.hash_one("order.7"), seeded.clone().hash_one("order.7"));
    }
}
