//! The record of what happened to each message, kept by every process of a fault test and compared when all is over.
//!
//! ```no_run
//! use swit_testbed::ledger::{Effects, Ledger, Record};
//!
//! # let (folder, id) = (std::path::Path::new("."), "1");
//! // In the producer's process:
//! let ledger = Ledger::open(folder.join("producer"));
//! ledger.attempted(id);
//! ledger.confirmed(id);
//! // In the handler's:
//! Ledger::open(folder.join("handler")).effect(id);
//! // In the test, when both have ended or were killed:
//! Record::read_folder(folder).verify(Effects::Once).unwrap();
//! ```
//!
//! A line is on the disk before the call returns, so that what a process did after it, it did after it for everybody.

mod check;
mod line;

use std::{
    fmt::Write as _,
    fs::{File, OpenOptions},
    io::Write as _,
    path::Path,
};

use self::line::Line;
pub use self::{
    check::{Effects, Record, Violations},
    line::DeadLetter,
};

/// One process's file of the record. Any number of threads may write to it; several processes need a file each.
#[derive(Debug)]
pub struct Ledger {
    file: File,
}

impl Ledger {
    /// Opens a file and goes on after what it holds, or makes it.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        let file = OpenOptions::new().append(true).create(true).open(path);
        Self { file: file.unwrap_or_else(|error| panic!("cannot open the ledger `{}`: {error}", path.display())) }
    }

    /// A message is about to be published. Written before the first try, and once a message.
    pub fn attempted(&self, id: &str) {
        self.write([Line::Attempted(id)]);
    }

    /// As [`attempted`](Self::attempted) for many messages, which cost one sync together.
    pub fn attempted_all<'a>(&self, ids: impl IntoIterator<Item = &'a str>) {
        self.write(ids.into_iter().map(Line::Attempted));
    }

    /// The publish was confirmed.
    pub fn confirmed(&self, id: &str) {
        self.write([Line::Confirmed(id)]);
    }

    /// The message came back as unroutable, or was refused.
    pub fn returned(&self, id: &str) {
        self.write([Line::Returned(id)]);
    }

    /// The publish may have succeeded or not. A later try may still be confirmed.
    pub fn unknown(&self, id: &str) {
        self.write([Line::Unknown(id)]);
    }

    /// A handler did its work for the message. Each time counts.
    pub fn effect(&self, id: &str) {
        self.write([Line::Effect(id)]);
    }

    /// The message was found among the dead letters.
    pub fn dead(&self, id: &str, letter: &DeadLetter) {
        self.write([Line::Dead(id, letter.clone())]);
    }

    /// One write, so that lines of several threads never mix, and one sync.
    fn write<'a>(&self, lines: impl IntoIterator<Item = Line<'a>>) {
        let mut text = String::new();
        for line in lines {
            let _ = writeln!(text, "{line}");
        }
        let written = (&self.file).write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.unwrap_or_else(|error| panic!("cannot write to the ledger: {error}"));
    }
}
