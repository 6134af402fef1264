//! What the tests share: one event, and a way to see what handlers did.

use std::sync::{Arc, Mutex};

use serde::{Deserialize, Serialize};
use swit::Event;

/// An event with a key, whose text tells a handler what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "task.created", version = 1, key = key)]
pub(crate) struct Task {
    pub(crate) key: String,
    pub(crate) text: String,
}

pub(crate) fn task(text: impl Into<String>) -> Task {
    keyed("k", text)
}

pub(crate) fn keyed(key: impl Into<String>, text: impl Into<String>) -> Task {
    Task { key: key.into(), text: text.into() }
}

/// What handlers wrote down, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Journal(Arc<Mutex<Vec<String>>>);

impl Journal {
    pub(crate) fn note(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}
