//! What was decided of the keys that macros pass, so that a metric is recorded without a lock that others write under.
//!
//! Guarantee: a key that is refused is refused here from the second time on, by its name, without an allocation.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use ::metrics::Key;

use super::family::Value;

/// Most names that are remembered as refused; a name that is not remembered is decided anew, the same way.
const MOST_CLOSED: usize = 1_000;

/// What is known of the keys of one type.
#[derive(Default)]
pub(super) struct Known {
    values: HashMap<Key, Arc<Value>>,
    /// Their names, as macros pass them.
    names: HashSet<String>,
    /// Names that take no new key.
    closed: HashSet<String>,
    full: Option<Full>,
}

/// What there is no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    Names,
    Keys,
}

/// Why a key that is not known is refused, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Its name takes no new key.
    Name,
    /// There is no room for another name.
    Names,
    /// There is no room for another key.
    All,
}

impl Known {
    /// The value of this key: `Some(None)`, it has none and gets none; `None`, that is not decided yet.
    #[expect(clippy::option_option, reason = "both are told apart here and nowhere else")]
    pub(super) fn find(&self, key: &Key) -> Option<Option<Arc<Value>>> {
        if let Some(value) = self.values.get(key) {
            return Some(Some(value.clone()));
        }
        let name = key.name();
        let is_refused = match self.full {
            None => false,
            Some(Full::Names) => !self.names.contains(name),
            Some(Full::Keys) => true,
        };
        (is_refused || self.closed.contains(name)).then_some(None)
    }

    /// It has this value.
    pub(super) fn keep(&mut self, key: &Key, value: Arc<Value>) {
        if !self.names.contains(key.name()) {
            self.names.insert(key.name().to_owned());
        }
        self.values.insert(key.clone(), value);
    }

    /// It has none, and so it stays.
    pub(super) fn close(&mut self, name: &str, refused: Refused) {
        match refused {
            Refused::All => self.full = Some(Full::Keys),
            Refused::Names => self.full = self.full.or(Some(Full::Names)),
            Refused::Name if self.closed.len() < MOST_CLOSED => {
                self.closed.insert(name.to_owned());
            }
            Refused::Name => {}
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> (usize, usize) {
        (self.values.len(), self.closed.len())
    }
}
