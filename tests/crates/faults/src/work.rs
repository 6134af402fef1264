//! What producer and handler speak of.

use serde::{Deserialize, Serialize};
use swit::Event;

/// A piece of work, which says itself how it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "fault.work", version = 1, unrouted = "error")]
pub struct Work {
    /// Its number; its message's id is `work-NUMBER`.
    pub number: u64,
    /// What its handler does.
    pub conduct: Conduct,
    /// Something to fill the message with.
    pub filler: String,
}

/// It is done. Nobody listens; it is published so that a handler's success has something to be confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Event)]
#[event(topic = "fault.done", version = 1, unrouted = "ignore")]
pub struct Done {
    /// The number of the work.
    pub number: u64,
}

/// What a handler does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conduct {
    /// Its work.
    Succeed,
    /// Its work, so many milliseconds later.
    SucceedAfter(u64),
    /// An error, every time.
    Fail,
    /// A panic with text, every time.
    Panic,
    /// A panic with a value that is no text, every time.
    PanicWithValue,
    /// The end of its process, every time.
    Abort,
    /// Its work, and two rows that others want too, in the order that its number says: with an inbox only.
    Cross,
}

/// The id of the message of this number.
pub fn id(number: u64) -> String {
    format!("work-{number}")
}
