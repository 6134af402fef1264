//! Looking: what lies in a queue, and why.

use std::collections::BTreeMap;

use super::{DeadLetters, Letter, Selection};
use crate::{error::Result, text::Text};

/// What lies in a dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// How many messages.
    pub count: u64,
    /// How many of them were looked at for their reasons, from the first on.
    pub looked_at: u64,
    /// How many of those were given up for each reason.
    pub reasons: BTreeMap<Text, u64>,
}

impl DeadLetters<'_> {
    /// Counts what lies in a queue, and the reasons of the first `most` of it.
    ///
    /// # Errors
    /// There is no such queue, or the broker can't be asked.
    pub async fn summary(&self, queue: &str, most: u64) -> Result<Summary> {
        let mut walk = self.walk(queue).await?;
        let mut summary = Summary { count: walk.len(), looked_at: 0, reasons: BTreeMap::new() };
        while summary.looked_at < most
            && let Some(lying) = walk.next().await?
        {
            summary.looked_at += 1;
            *summary.reasons.entry(Letter::of(lying).0.reason).or_default() += 1;
        }
        walk.finish().await?;
        Ok(summary)
    }

    /// Hands the first `most` selected dead letters of a queue to `each`, one after the other, and keeps none. How many
    /// there were.
    ///
    /// # Errors
    /// There is no such queue, or the broker can't be asked.
    pub async fn read(
        &self,
        queue: &str,
        selection: &Selection,
        most: u64,
        mut each: impl FnMut(Letter) + Send,
    ) -> Result<u64> {
        let mut walk = self.walk(queue).await?;
        let (now, mut found) = (self.clock.now(), 0);
        while found < most
            && let Some(lying) = walk.next().await?
        {
            let (letter, _) = Letter::of(lying);
            if selection.takes(&letter, now) {
                found += 1;
                each(letter);
            }
        }
        walk.finish().await?;
        Ok(found)
    }
}
