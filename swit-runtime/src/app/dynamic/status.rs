//! What is told of subscribers, and of what became of one.

use crate::{pipeline::Counts, policy::BreakerState, text::Text, transport::Deleted};

/// A subscriber of a running service.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberStatus {
    /// Its name.
    pub name: Text,
    /// The topics and patterns that its queue is bound by; none for an existing queue.
    pub topics: Vec<Text>,
    /// Its queue.
    pub queue: Text,
    /// Where its dead letters go.
    pub dead_letter: Option<Text>,
    /// The transport that it consumes from.
    pub transport: Text,
    /// What it is at.
    pub state: SubscriberState,
    /// Made while the service runs, not linked.
    pub dynamic: bool,
    /// How its circuit breaker is, where it has one.
    pub breaker: Option<BreakerState>,
    /// What its workers counted.
    pub counts: Counts,
}

/// What a subscriber is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriberState {
    /// Is being made: its queue is declared, its consumer opened.
    Starting,
    /// Consumes.
    Consuming,
    /// Waits for its connection, or for its queue.
    Waiting,
    /// Paused by hand.
    Paused,
    /// Unsubscribed: ends what it is at.
    Draining,
}

/// What becomes of messages that are left in a queue that is to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remaining {
    /// They are kept, and the queue with them: only an empty queue is deleted.
    Keep,
    /// They are deleted with it, those that wait for a retry among them.
    Delete,
}

/// What became of a subscriber that was unsubscribed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unsubscribed {
    /// It has ended, and its name is free.
    Drained {
        /// Deliveries that were not finished by the drain's deadline and went back to the queue.
        unfinished: usize,
        /// What became of its queue, where it was to be deleted.
        queue: Option<Deleted>,
    },
    /// It takes nothing more, and ends in the background: the call was made by a handler, which could be one of those that
    /// are waited for.
    Draining,
}
