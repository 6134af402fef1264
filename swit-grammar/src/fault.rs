//! One thing that a value says wrong, and what to write instead.

use std::fmt;

/// A refused value: what is wrong, and what to do about it.
///
/// The macros print it at the key's span, the configuration beside the layer and the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The key whose value is wrong, as it is written in the attribute. Empty where the caller knows it.
    pub key: &'static str,
    /// What is wrong; lower case, no full stop.
    pub message: String,
    /// What to write instead; lower case, no full stop.
    pub help: String,
}

impl Fault {
    /// A fault of a value whose key the caller knows.
    pub fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { key: "", message: message.into(), help: help.into() }
    }

    /// The same fault, at this key.
    pub fn at(mut self, key: &'static str) -> Self {
        self.key = key;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.message, self.help)
    }
}

impl std::error::Error for Fault {}
