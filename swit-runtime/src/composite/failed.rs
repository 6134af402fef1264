//! The error of a delivery whose event handlers failed: all of theirs.

use std::fmt;

use crate::{limits::MAX_ERROR_BYTES, outcome::cap};

/// The handlers that failed, each with its error, in their order.
#[derive(Debug)]
pub(super) struct HandlersFailed {
    pub(super) failed: Vec<(String, String)>,
    /// Cancelled, since another one failed.
    pub(super) cancelled: Vec<&'static str>,
}

impl fmt::Display for HandlersFailed {
    /// Each gets its part of the room, so that none is told at length and the others not at all.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let room = MAX_ERROR_BYTES / self.failed.len().max(1);
        for (at, (name, text)) in self.failed.iter().enumerate() {
            let between = if at == 0 { "" } else { "; " };
            let room = room.saturating_sub(name.len() + 6).max(32);
            write!(f, "{between}`{name}`: {}", cap(text, room))?;
        }
        if !self.cancelled.is_empty() {
            write!(f, "; cancelled: {}", self.cancelled.join(", "))?;
        }
        Ok(())
    }
}

impl std::error::Error for HandlersFailed {}
