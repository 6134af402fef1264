//! Purging: dead letters that nobody wants any more are deleted.

use super::{DeadLetters, Letter, Selection};
use crate::error::Result;

/// What a purge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Purged {
    /// How many messages were looked at.
    pub looked_at: u64,
    /// How many were deleted; of a dry run, how many would be.
    pub deleted: u64,
}

impl DeadLetters<'_> {
    /// Deletes the selected among the first `most` dead letters of a queue; of a `dry_run`, nothing.
    ///
    /// What comes in stands behind what is there: whoever has counted before deletes no more than he knows of.
    ///
    /// # Errors
    /// There is no such queue, or the broker can't be asked. Then some may be deleted, and none that was not selected.
    pub async fn purge(&self, queue: &str, selection: &Selection, most: u64, dry_run: bool) -> Result<Purged> {
        let mut walk = self.walk(queue).await?;
        let mut purged = Purged { looked_at: 0, deleted: 0 };
        let now = self.clock.now();
        while purged.looked_at < most
            && let Some(lying) = walk.next().await?
        {
            purged.looked_at += 1;
            let (letter, place) = Letter::of(lying);
            if selection.takes(&letter, now) {
                purged.deleted += 1;
                if !dry_run {
                    walk.take(&place).await?;
                }
            }
        }
        walk.finish().await?;
        Ok(purged)
    }
}
