//! What the keys of one publisher may say, wherever they are written.
//!
//! `#[publisher]` and `[publisher.NAME]` read their values with the same functions, and a publisher that is made at
//! runtime is held to the same limits.

use std::time::Duration;

use crate::{Fault, duration, limits::MAX_DURATION, nearest::nearest, size};

/// Most publications of one batch.
pub const MAX_BATCH: u32 = 65_535;
/// Longest time that a publication is held back for its batch: what is held is lost if the process is killed.
pub const MAX_HOLD: Duration = Duration::from_mins(1);
/// Most publications that an asynchronous publisher may hold.
pub const MAX_CAPACITY: u32 = 1_000_000;
/// What an asynchronous publisher holds where nobody says otherwise.
pub const DEFAULT_CAPACITY: u32 = 1_000;

/// When publications that are held back go out: at the first of the three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Batching {
    /// That many are held.
    pub messages: u32,
    /// They have that many bytes, headers included.
    pub bytes: usize,
    /// The first of them has waited that long.
    pub every: Duration,
}

impl Batching {
    /// `batch` without arguments.
    pub const DEFAULT: Self = Self { messages: 100, bytes: 1 << 20, every: Duration::from_millis(100) };

    /// Checks the numbers; a fault's key is the argument that it is about.
    ///
    /// # Errors
    /// Zeros, a batch of one, and what is above the limits.
    pub fn check(&self) -> Result<(), Fault> {
        if self.messages < 2 || self.messages > MAX_BATCH {
            let message = format!("`messages` is {}", self.messages);
            return Err(Fault::new(message, "use 2 to 65535; a batch of one is none").at("messages"));
        }
        if self.bytes == 0 {
            return Err(Fault::new("`bytes` is zero", "give a batch room, such as \"1MiB\"").at("bytes"));
        }
        if self.every.is_zero() || self.every > MAX_HOLD {
            let message = format!("`every` is {}", duration::format(self.every));
            return Err(
                Fault::new(message, "use up to \"1m\"; what is held back is lost if the process is killed").at("every")
            );
        }
        Ok(())
    }

    /// Reads a batch as a configuration file writes it, in the attribute's own words:
    /// `messages = 100, bytes = 1MiB, every = 100ms`. What is left out is [`DEFAULT`](Self::DEFAULT)'s.
    ///
    /// # Errors
    /// Other words, a word twice, and what [`check`](Self::check) refuses.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let help = "write `messages = 100, bytes = 1MiB, every = 100ms`, or some of them";
        let refuse = || Fault::new(format!("`{text}` is not a batch"), help);
        let mut batch = Self::DEFAULT;
        let mut seen = Vec::new();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or_else(refuse)?;
            let (key, value) = (key.trim(), value.trim().trim_matches('"'));
            if seen.contains(&key) {
                return Err(Fault::new(format!("`{key}` is given twice"), "keep one of them"));
            }
            seen.push(key);
            match key {
                "messages" => batch.messages = value.parse().map_err(|_| refuse())?,
                "bytes" => batch.bytes = size::parse(value)?,
                "every" => batch.every = duration::parse(value)?,
                _ => return Err(refuse()),
            }
        }
        batch.check()?;
        Ok(batch)
    }
}

/// The names of compressions, each but `none` also that of the feature that it needs.
pub const COMPRESSIONS: [&str; 5] = ["none", "gzip", "snappy", "lz4", "zstd"];

/// Checks the name of a compression.
///
/// # Errors
/// There is none of that name.
pub fn check_compression(text: &str) -> Result<(), Fault> {
    if COMPRESSIONS.contains(&text) { Ok(()) } else { Err(word(text, "a compression", &COMPRESSIONS)) }
}

/// What happens to an event that no queue takes, by its name.
///
/// # Errors
/// Another word.
pub fn check_unrouted(text: &str) -> Result<(), Fault> {
    const WORDS: [&str; 3] = ["warn", "error", "ignore"];
    if WORDS.contains(&text) { Ok(()) } else { Err(word(text, "what happens to unrouted events", &WORDS)) }
}

/// Checks how many publications an asynchronous publisher may hold.
///
/// # Errors
/// Zero, or more than a million.
pub fn check_capacity(capacity: u32) -> Result<(), Fault> {
    if capacity == 0 || capacity > MAX_CAPACITY {
        return Err(Fault::new(format!("`capacity` is {capacity}"), "use 1 to 1000000").at("capacity"));
    }
    Ok(())
}

/// Checks how long a confirmation is waited for.
///
/// # Errors
/// Zero, or more than thirty days.
pub fn check_confirm(confirm: Duration) -> Result<(), Fault> {
    if confirm.is_zero() || confirm > MAX_DURATION {
        let message = format!("`confirm` is {}", duration::format(confirm));
        return Err(Fault::new(message, "give the broker time to confirm, such as \"5s\"").at("confirm"));
    }
    Ok(())
}

fn word(text: &str, what: &str, words: &[&str]) -> Fault {
    let help = nearest(text, words.iter().copied()).map_or_else(
        || format!("write {}", words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")),
        |near| format!("did you mean \"{near}\"?"),
    );
    Fault::new(format!("\"{}\" is not {what}", text.escape_debug()), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_are_read() {
        assert_eq!(Batching::parse("messages = 10"), Ok(Batching { messages: 10, ..Batching::DEFAULT }));
        let whole = Batching { messages: 2, bytes: 1024, every: Duration::from_secs(1) };
        assert_eq!(Batching::parse("messages=2, bytes = \"1KiB\" , every = 1s"), Ok(whole));
        for (bad, why) in [
            ("", "not a batch"),
            ("10", "not a batch"),
            ("messages = ten", "not a batch"),
            ("size = 10", "not a batch"),
            ("messages = 3, messages = 4", "given twice"),
            ("messages = 1", "`messages` is 1"),
            ("messages = 65536", "`messages` is 65536"),
            ("bytes = 0", "not a size"),
            ("every = 0s", "`every` is 0s"),
            ("every = 2m", "`every` is 2m"),
        ] {
            let fault = Batching::parse(bad).expect_err(bad);
            assert!(fault.message.contains(why), "{bad}: {}", fault.message);
        }
    }

    #[test]
    fn words_are_checked() {
        assert!(COMPRESSIONS.iter().all(|name| check_compression(name).is_ok()));
        assert_eq!(check_compression("gzp").expect_err("no word").help, "did you mean \"gzip\"?");
        assert!(check_unrouted("ignore").is_ok() && check_unrouted("drop").is_err());
    }

    #[test]
    fn numbers_are_checked() {
        assert!(check_capacity(1).is_ok() && check_capacity(0).is_err() && check_capacity(1_000_001).is_err());
        assert!(check_confirm(Duration::from_secs(5)).is_ok() && check_confirm(Duration::ZERO).is_err());
    }
}
