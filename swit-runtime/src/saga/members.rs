//! Who runs sagas, and who is dead.
//!
//! A member shows that it lives by changing a number. Whoever saw the same number for a whole lease, by its own monotonic
//! clock, has what the dead one ran be taken over.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime},
};

use tokio::time::{Instant, sleep};

use super::pulse::{Epoch, Pulse};

use crate::{
    outcome::one_line,
    store::{Sagas, StoreError},
    text::Text,
};

/// A member shows so many times a lease that it lives.
const BEATS: u32 = 4;

pub(super) struct Members {
    name: Text,
    lease: Duration,
    due: Instant,
    /// Since when this member is known to live itself.
    since: Option<Epoch>,
    /// The others, with the number that was seen last and since when.
    others: BTreeMap<Text, (i64, Instant)>,
}

/// Shows that a member lives, for as long as this is awaited, whatever else it waits for.
pub(super) async fn beat(sagas: &dyn Sagas, member: &str, lease: Duration, pulse: &Pulse) {
    loop {
        let at = Instant::now();
        match sagas.beat(member).await {
            // By when it was sent, not by when it was answered.
            Ok(()) => pulse.showed(at),
            Err(error) => {
                tracing::warn!(error = %one_line(&error), "the database can't be told that this process lives");
            }
        }
        sleep(lease / BEATS).await;
    }
}

impl Members {
    pub(super) fn new(name: Text, lease: Duration) -> Self {
        Self { name, lease, due: Instant::now(), since: None, others: BTreeMap::new() }
    }

    /// When [`keep`](Self::keep) has something to do again.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// Looks who does not live. Says how many instances are free by that.
    ///
    /// # Errors
    /// What the database said.
    pub(super) async fn keep(&mut self, sagas: &dyn Sagas, pulse: &Pulse, wall: SystemTime) -> Result<u64, StoreError> {
        let now = Instant::now();
        if now < self.due {
            return Ok(0);
        }
        self.due = now + self.lease / BEATS;
        let since = pulse.epoch();
        if self.since.replace(since) != Some(since) || !pulse.is_unbroken(since) {
            // It was away itself, perhaps with the database: whoever lives has a lease to say so.
            self.others.clear();
        }
        let members = sagas.members().await?;
        self.others.retain(|name, _| members.iter().any(|(known, _)| known == name));
        for (name, beat) in members.into_iter().filter(|(name, _)| *name != self.name) {
            match self.others.get_mut(&name) {
                Some((seen, _)) if *seen == beat => {}
                _ => {
                    self.others.insert(name, (beat, now));
                }
            }
        }
        let is_dead = |(_, since): &(i64, Instant)| now.duration_since(*since) >= self.lease;
        let dead = self.others.iter().filter(|(_, seen)| is_dead(seen));
        let dead: Vec<(Text, i64)> = dead.map(|(name, (beat, _))| (name.clone(), *beat)).collect();
        let mut free = 0;
        for (name, beat) in dead {
            let some = sagas.orphan(&name, Some(beat), wall).await?;
            if some > 0 {
                tracing::warn!(member = %name, instances = some, "a process that ran sagas is gone; others go on with them");
            }
            free += some;
            // Only now: until what it had is free, it is known to be dead.
            sagas.leave(&name).await?;
            self.others.remove(&name);
        }
        Ok(free)
    }
}
