//! Why a channel that publishes ended, and what that says to those whose publications were on it.

use lapin::{
    ErrorKind,
    protocol::{AMQPError, AMQPErrorKind},
};

use crate::outcome::one_line;

/// How a channel ended.
pub(super) struct Ended {
    pub(super) error: lapin::Error,
    /// One publication was on its way, and no other.
    pub(super) alone: bool,
}

impl Ended {
    /// What the broker said, if it was the one to end it.
    pub(super) fn by_the_broker(&self) -> Option<&AMQPError> {
        match self.error.kind() {
            ErrorKind::ProtocolError(error) => Some(error),
            _ => None,
        }
    }

    /// What the broker said against the one publication that was on its way. Where others were, it may be any of them; and
    /// what ends a whole connection says nothing of one publication.
    pub(super) fn refusal(&self) -> Option<String> {
        let error = self.by_the_broker().filter(|error| matches!(error.kind(), AMQPErrorKind::Soft(_)))?;
        self.alone.then(|| one_line(error))
    }
}
