//! Seeds, so that what chance did in a test can be done again.
//!
//! ```no_run
//! use rand::RngExt as _;
//! use swit_testbed::Seed;
//!
//! let seed = Seed::draw("slow_link");
//! let bytes = seed.rng().random_range(1..100);
//! ```

use rand::{RngExt as _, SeedableRng as _, rngs::SmallRng};

/// The environment variable that fixes every seed.
const VARIABLE: &str = "SWIT_SEED";

/// Where a test's chance comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed of the environment variable `SWIT_SEED`, or a random one. It is printed to standard error with the way to
    /// repeat it; the test runner shows that where the test fails.
    ///
    /// # Panics
    /// When the variable is no number.
    #[track_caller]
    pub fn draw(test: &str) -> Self {
        let seed = match std::env::var(VARIABLE) {
            Ok(fixed) => parse(&fixed).unwrap_or_else(|| panic!("{VARIABLE} is `{fixed}`: give a number of 64 bits")),
            Err(_) => rand::make_rng::<SmallRng>().random(),
        };
        say(&format!("{test}: repeat it by {VARIABLE}={seed}"));
        Self(seed)
    }

    /// A seed that is known.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Its number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// A generator; the same each time.
    pub fn rng(self) -> SmallRng {
        SmallRng::seed_from_u64(self.0)
    }

    /// A seed for a part of the test, such as a task, that depends on nothing but this seed and its name.
    pub fn part(self, name: &str) -> Self {
        // FNV-1a: it is the same in every process, in contrast to a map's hasher.
        Self(name.bytes().fold(self.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)))
    }
}

fn parse(text: &str) -> Option<u64> {
    let text = text.trim();
    match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

#[expect(clippy::print_stderr, reason = "the test runner keeps it and shows it with a failure")]
fn say(text: &str) {
    eprintln!("{text}");
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::{Seed, parse};

    #[test]
    fn a_seed_repeats_what_it_did() {
        let draws = |seed: Seed| -> Vec<u8> { seed.rng().random_iter().take(8).collect() };
        let seed = Seed::draw("a_seed_repeats_what_it_did");
        assert_eq!(draws(seed), draws(Seed::new(seed.get())));
        assert_ne!(draws(seed), draws(Seed::new(seed.get() ^ 1)));
        assert_ne!(draws(seed.part("a")), draws(seed.part("b")));
        // The same in every process, or a printed seed repeats nothing.
        assert_eq!(Seed::new(1).part("a").get(), 0x6000_0000_a320);
    }

    #[test]
    fn a_seed_is_a_number() {
        assert_eq!((parse("17"), parse(" 0xff\n"), parse("x"), parse("-1")), (Some(17), Some(255), None, None));
    }
}
