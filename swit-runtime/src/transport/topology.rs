//! Queues as the engine wants them, before any broker's own words.

use crate::text::Text;

/// What a queue is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueueRole {
    /// A subscriber's queue: takes what its patterns match.
    Subscriber,
    /// A dead-letter queue: bound to nothing, addressed by name, never full for a copy.
    DeadLetter,
}

/// A queue that must exist.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queue {
    /// Its name, unique on the transport.
    pub name: Text,
    /// What it is for.
    pub role: QueueRole,
    /// The patterns that it is bound by; none for dead-letter and existing queues.
    pub patterns: Vec<Text>,
    /// Where rejected deliveries go.
    pub dead_letter: Option<Text>,
    /// One consumer at a time, so that order holds across instances.
    pub single_active: bool,
    /// Belongs to this instance alone and goes away with it (`group = per_instance`).
    pub exclusive: bool,
    /// Must exist already; it is neither made nor bound.
    pub existing: bool,
}

impl Queue {
    /// A subscriber's queue, bound by these patterns.
    pub fn subscriber(name: impl Into<Text>, patterns: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        Self {
            name: name.into(),
            role: QueueRole::Subscriber,
            patterns: patterns.into_iter().map(Into::into).collect(),
            dead_letter: None,
            single_active: false,
            exclusive: false,
            existing: false,
        }
    }

    /// A dead-letter queue.
    pub fn dead_letter(name: impl Into<Text>) -> Self {
        Self { role: QueueRole::DeadLetter, ..Self::subscriber(name, None::<Text>) }
    }

    /// A queue of somebody else's topology.
    pub fn existing(name: impl Into<Text>) -> Self {
        Self { existing: true, ..Self::subscriber(name, None::<Text>) }
    }

    /// With this dead-letter queue for rejected deliveries.
    pub fn with_dead_letter(mut self, queue: impl Into<Text>) -> Self {
        self.dead_letter = Some(queue.into());
        self
    }

    /// With one consumer at a time.
    pub fn with_single_active(mut self) -> Self {
        self.single_active = true;
        self
    }

    /// For this instance alone.
    pub fn with_exclusive(mut self) -> Self {
        self.exclusive = true;
        self
    }
}
