//! What stands in the place of `series` where the feature `prometheus` is missing: there is none of it.

use tokio::time::Instant;

use super::flight::Answer;
use crate::{error::PublishError, text::Text};

/// Nothing is counted.
#[derive(Debug)]
pub(crate) enum Published {}

/// There is none.
#[derive(Debug, Clone, Copy)]
pub(super) enum Ticket {}

impl Published {
    pub(super) fn begin(&self, _topic: &Text, _learns: bool) -> Ticket {
        match *self {}
    }

    pub(super) fn answered(&self, _ticket: Ticket, _answer: &Answer) {
        match *self {}
    }

    pub(super) fn landed(&self, _ticket: Ticket, _since: Instant, _answer: &Answer) {
        match *self {}
    }

    pub(super) fn failed(&self, _topic: &str, _error: &PublishError) {
        match *self {}
    }

    pub(super) fn unrouted(&self, _topic: &str) {
        match *self {}
    }

    pub(super) fn batch<'a>(&self, _topics: impl Iterator<Item = &'a Text>) {
        match *self {}
    }
}
