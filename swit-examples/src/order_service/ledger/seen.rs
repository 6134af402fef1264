//! Which order ids were seen and whose they are, in 24 bytes each, whatever their length.

use std::{
    collections::HashMap,
    hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState},
};

/// Ids as 128-bit digests, each with a digest of 64 bits of whoever had it first.
///
/// The digests are two `SipHash`es under random keys, so that nobody can make ids collide on purpose; among 10^9 ids the
/// chance that any two do is below 10^-20.
#[derive(Debug, Default)]
pub(super) struct Seen {
    keys: (RandomState, RandomState),
    owners: HashMap<(u64, u64), u64, BuildHasherDefault<Digested>>,
}

impl Seen {
    /// Adds an id; says whether it is this owner's: new, or seen before with the same owner.
    pub(super) fn insert(&mut self, id: &str, owner: &str) -> bool {
        let digest = (self.keys.0.hash_one(id), self.keys.1.hash_one(id));
        let owner = self.keys.0.hash_one(owner);
        *self.owners.entry(digest).or_insert(owner) == owner
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

    fn write_u64(&mut self, half: u64) {
        self.0 = half;
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
    fn an_id_is_its_first_owners() {
        let mut seen = Seen::default();
        for number in 0..10_000 {
            assert!(seen.insert(&format!("o-{number}"), "a"));
        }
        assert!(!seen.insert("o-77", "b") && seen.insert("o-77", "a"));
        assert!(seen.insert("O-77", "b") && seen.insert("o-77 ", "b"));
    }
}
