//! What must hold of a record when all faults are healed and all queues are drained.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::{Path, PathBuf},
};

use super::line::{DeadLetter, parse};

/// How often a message may have taken effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effects {
    /// At least once, as without an inbox: duplicates are no violation.
    AtLeastOnce,
    /// Exactly once, as with an inbox.
    Once,
}

/// What all processes wrote down, by message id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    /// Messages that were to be published.
    pub attempted: BTreeSet<String>,
    /// Messages whose publish was confirmed.
    pub confirmed: BTreeSet<String>,
    /// Messages that came back or were refused.
    pub returned: BTreeSet<String>,
    /// Messages whose publish was unclear at least once.
    pub unknown: BTreeSet<String>,
    /// How often each message took effect.
    pub effects: BTreeMap<String, usize>,
    /// The dead letters of each message.
    pub dead: BTreeMap<String, Vec<DeadLetter>>,
}

impl Record {
    /// Reads the files of several processes. Of a process that was killed while it wrote, the line that has no end is not
    /// counted: it went on to nothing after it.
    ///
    /// # Panics
    /// When a file is missing, or a line is none of a ledger.
    #[track_caller]
    pub fn read<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Self {
        let mut record = Self::default();
        for file in files {
            let file = file.as_ref();
            let text = fs::read(file).unwrap_or_else(|error| panic!("no ledger at `{}`: {error}", file.display()));
            let text = String::from_utf8_lossy(&text);
            for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
                assert!(record.add(line), "`{}` is no ledger: it says `{line}`", file.display());
            }
        }
        record
    }

    /// Reads all files of a folder, which holds nothing but ledgers.
    #[track_caller]
    pub fn read_folder(folder: impl AsRef<Path>) -> Self {
        let folder = folder.as_ref();
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("no folder `{}`: {error}", folder.display()));
        let files: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder can be read").path()).collect();
        assert!(!files.is_empty(), "there is no ledger in `{}`", folder.display());
        Self::read(files)
    }

    fn add(&mut self, line: &str) -> bool {
        let Some((verb, id, letter)) = parse(line) else { return false };
        match (verb, letter) {
            ("attempted", _) => _ = self.attempted.insert(id),
            ("confirmed", _) => _ = self.confirmed.insert(id),
            ("returned", _) => _ = self.returned.insert(id),
            ("unknown", _) => _ = self.unknown.insert(id),
            ("effect", _) => *self.effects.entry(id).or_default() += 1,
            (_, Some(letter)) => self.dead.entry(id).or_default().push(letter),
            _ => return false,
        }
        true
    }

    /// Whether a message has come to an end: it took effect, or it is a dead letter.
    pub fn ended(&self, id: &str) -> bool {
        self.effects.contains_key(id) || self.dead.contains_key(id)
    }

    /// The confirmed messages that have not come to an end yet; a test waits until there are none.
    pub fn outstanding(&self) -> Vec<&str> {
        self.confirmed.iter().map(String::as_str).filter(|id| !self.ended(id)).collect()
    }

    /// Checks that nothing was lost (A), nothing invented (B), nothing done twice where that is asked for (C), and that
    /// dead letters are complete (D).
    ///
    /// # Errors
    /// Every violation there is, with the ids.
    pub fn verify(&self, effects: Effects) -> Result<(), Violations> {
        let mut found = Violations::default();
        let list = |ids: Vec<&str>| ids.into_iter().map(str::to_owned).collect::<Vec<_>>();
        found.add("A: lost: confirmed, but neither done nor a dead letter", list(self.outstanding()));
        let known = |id: &&str| !self.attempted.contains(*id);
        found.add("B: invented: done, but never published", {
            list(self.effects.keys().map(String::as_str).filter(known).collect())
        });
        found.add("B: invented: a dead letter, but never published", {
            list(self.dead.keys().map(String::as_str).filter(known).collect())
        });
        found.add("B: confirmed, but never published", {
            list(self.confirmed.iter().map(String::as_str).filter(known).collect())
        });
        if effects == Effects::Once {
            let twice = self.effects.iter().filter(|(_, times)| **times > 1);
            found.add("C: done more than once", twice.map(|(id, times)| format!("{id} ({times} times)")).collect());
        }
        let letters = self.dead.iter().flat_map(|(id, letters)| letters.iter().map(move |letter| (id, letter)));
        let incomplete = letters.filter_map(|(id, letter)| {
            let wants = [
                (id.is_empty(), "no id"),
                (letter.reason.is_empty(), "no reason"),
                (letter.attempts == 0, "no attempts"),
                (letter.source.is_empty(), "no source"),
                (!letter.whole, "its body is damaged"),
            ];
            let wants: Vec<&str> = wants.into_iter().filter_map(|(wants, what)| wants.then_some(what)).collect();
            (!wants.is_empty()).then(|| format!("{id} ({})", wants.join(", ")))
        });
        found.add("D: an incomplete dead letter", incomplete.collect());
        if found.0.is_empty() { Ok(()) } else { Err(found) }
    }
}

/// What does not hold, and for which messages.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Violations(Vec<(&'static str, Vec<String>)>);

impl Violations {
    /// The ids that a message would name before it says how many more there are.
    const NAMED: usize = 20;

    fn add(&mut self, what: &'static str, ids: Vec<String>) {
        if !ids.is_empty() {
            self.0.push((what, ids));
        }
    }

    /// Whether one of the guarantees `A` to `D` is broken.
    pub fn breaks(&self, guarantee: char) -> bool {
        self.0.iter().any(|(what, _)| what.starts_with(guarantee))
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the record does not add up")?;
        for (what, ids) in &self.0 {
            write!(f, "\n  {what}: {} messages: {}", ids.len(), ids[..ids.len().min(Self::NAMED)].join(", "))?;
            if ids.len() > Self::NAMED {
                write!(f, " and {} more", ids.len() - Self::NAMED)?;
            }
        }
        Ok(())
    }
}

/// As [`Display`](fmt::Display), so that `unwrap` is readable.
impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Violations {}
