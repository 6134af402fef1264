//! Which order ids were seen, in 16 bytes each, whatever their length.

use std::{
    collections::HashSet,
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
};

/// A set of ids, kept as 128-bit digests.
///
/// The digests are two `SipHash`es under random keys, so that nobody can make ids collide on purpose; among 10^9 ids the
/// chance that any two do is below 10^-20.
#[derive(Debug, Default)]
pub(super) struct Seen {
    keys: (RandomState, RandomState),
    digests: HashSet<u128, BuildHasherDefault<Digested>>,
}

impl Seen {
    /// Adds an id; says whether it is new.
    pub(super) fn insert(&mut self, id: &str) -> bool {
        let digest = u128::from(self.keys.0.hash_one(id)) << 64 | u128::from(self.keys.1.hash_one(id));
        self.digests.insert(digest)
    }
}

/// A digest is as good as a hash can be already: half of it serves.
#[derive(Debug, Default)]
pub(super) struct Digested(u64);

impl Hasher for Digested {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "half of the digest is meant")]
    fn write_u128(&mut self, digest: u128) {
        self.0 = digest as u64;
    }
}

/// A number that differs from process to process.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_new_once() {
        let mut seen = Seen::default();
        for number in 0..10_000 {
            assert!(seen.insert(&format!("o-{number}")));
        }
        assert!(!seen.insert("o-77") && seen.insert("O-77") && seen.insert("o-77 "));
    }
}
