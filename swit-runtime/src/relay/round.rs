//! Publishing rows: of each key one at a time, keys side by side.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use super::Relay;
use crate::{
    alert::{AlertKind, Level},
    classify::{Backoff, Jitter},
    error::PublishError,
    failpoint::{self, Failpoint, Sabotage},
    id::chance,
    outcome::one_line,
    publisher::{Outgoing, Outlet},
    said::about,
    store::{Enlisted, StoreError, Stored},
    text::Text,
};

/// Between tries to publish a row.
const AGAIN: Backoff = Backoff::Exponential {
    first: Duration::from_millis(100),
    max: Duration::from_secs(10),
    factor: 2.0,
    jitter: Jitter::Share(0.5),
};

/// So often it is tried to publish what no queue takes, where that is an error: somebody may bind one.
const UNROUTED: u32 = 10;

/// So many rows that can't be published are looked past, beside a batch.
const MOST_PASSED: u32 = 10_000;

/// Rows of one transport that could not be published so far, or not be removed.
#[derive(Default)]
pub(super) struct Rounds {
    failed: HashMap<i64, Failed>,
    /// Rows that are confirmed and not removed.
    confirmed: Vec<i64>,
    /// Rows that were looked at last and could not be published: they failed, or lie behind one that did.
    passed: usize,
}

struct Failed {
    tries: u32,
    next: Instant,
}

/// Whether a publication that failed may succeed later.
fn is_hopeless(error: &PublishError, tries: u32) -> bool {
    match error {
        PublishError::Unrouted { .. } => tries >= UNROUTED,
        PublishError::Encode(_)
        | PublishError::Topic(_)
        | PublishError::EmptyId { .. }
        | PublishError::ReservedHeader { .. }
        | PublishError::TooLarge { .. } => true,
        _ => false,
    }
}

impl Rounds {
    /// When a row is to be tried again that failed.
    pub(super) fn next_try(&self) -> Option<Instant> {
        self.failed.values().map(|failed| failed.next).min()
    }

    /// No row is this relay's any more: none is to be tried again by it.
    pub(super) fn leave_to_others(&mut self) {
        self.failed.clear();
        self.passed = 0;
    }

    /// One look at the rows of one transport. Says whether there may be more that can be published now.
    ///
    /// # Errors
    /// What the database said.
    pub(super) async fn of_transport(
        &mut self,
        relay: &Relay,
        way: &(Text, Outlet),
        own: &[u16],
    ) -> Result<bool, StoreError> {
        self.remove_confirmed(relay).await?;
        // What can't be published now does not keep others from being seen.
        let passed = u32::try_from(self.passed).unwrap_or(MOST_PASSED).min(MOST_PASSED);
        let limit = relay.options.batch + passed;
        let rows = relay.store.outbox().pending(&way.0, own, limit).await?;
        let is_full = rows.len() >= limit as usize;
        let done = self.publish(relay, way, rows).await?;
        Ok(is_full && done > 0)
    }

    /// Removes what was confirmed; what can't be removed now is removed before anything else is published.
    async fn remove_confirmed(&mut self, relay: &Relay) -> Result<(), StoreError> {
        if !self.confirmed.is_empty() {
            relay.store.outbox().done(&self.confirmed).await?;
            self.confirmed.clear();
        }
        Ok(())
    }

    /// Publishes rows, in their order within each key. Says how many are done with.
    ///
    /// # Errors
    /// What the database said. What was published and not removed is published again, with the same id.
    async fn publish(&mut self, relay: &Relay, way: &(Text, Outlet), rows: Vec<Stored>) -> Result<usize, StoreError> {
        let now = Instant::now();
        if rows.is_empty() {
            self.failed.clear();
            self.passed = 0;
            return Ok(0);
        }
        let all = rows.len();
        self.failed.retain(|row, _| rows.iter().any(|stored| stored.row == *row));
        let (mut waiting, mut done) = (rows, 0);
        if failpoint::is_broken(Sabotage::LastFirst) {
            waiting.reverse();
        }
        let mut held: HashSet<Text> = HashSet::new();
        while !waiting.is_empty() {
            let mut taken: HashSet<Text> = HashSet::new();
            let (mut later, mut started) = (Vec::new(), Vec::new());
            for Stored { row, publication } in waiting {
                let publication = match publication {
                    Ok(publication) => publication,
                    Err(why) => {
                        self.park(relay, way, row, &StoreError::Unreadable { row, why }, None).await?;
                        done += 1;
                        continue;
                    }
                };
                let key = publication.message.key.clone();
                if self.failed.get(&row).is_some_and(|failed| failed.next > now) {
                    held.extend(key);
                    continue;
                }
                match key {
                    Some(key) if held.contains(&key) => {}
                    Some(key) if taken.contains(&key) => later.push(Stored { row, publication: Ok(publication) }),
                    key => {
                        taken.extend(key);
                        started.push((row, publication.clone(), start(relay, &way.1, publication)));
                    }
                }
            }
            if failpoint::is_broken(Sabotage::RemoveBeforeConfirm) {
                let sent: Vec<i64> = started.iter().map(|(row, ..)| *row).collect();
                relay.store.outbox().done(&sent).await?;
            }
            // All answers, before anything is asked of the database: what is confirmed is known to be.
            let mut refused = Vec::new();
            for (row, publication, answer) in started {
                match answer.await {
                    Ok(_) => {
                        self.failed.remove(&row);
                        self.confirmed.push(row);
                    }
                    Err(error) => refused.push((row, publication, error)),
                }
            }
            if !self.confirmed.is_empty() {
                failpoint::hit(Failpoint::BeforeRemoval);
                done += self.confirmed.len();
                self.remove_confirmed(relay).await?;
            }
            for (row, publication, error) in refused {
                if self.failed(relay, way, row, &publication, &error).await? {
                    done += 1;
                } else {
                    held.extend(publication.message.key);
                }
            }
            waiting = later;
        }
        self.passed = all.saturating_sub(done);
        Ok(done)
    }

    /// What becomes of a row that could not be published. Says whether it is done with.
    async fn failed(
        &mut self,
        relay: &Relay,
        way: &(Text, Outlet),
        row: i64,
        publication: &Enlisted,
        error: &PublishError,
    ) -> Result<bool, StoreError> {
        let failed = self.failed.entry(row).or_insert(Failed { tries: 0, next: Instant::now() });
        failed.tries += 1;
        if is_hopeless(error, failed.tries) {
            self.failed.remove(&row);
            self.park(relay, way, row, error, Some(publication)).await?;
            return Ok(true);
        }
        let wait = AGAIN.jittered(failed.tries, chance());
        failed.next = Instant::now() + wait;
        about!(
            warn,
            publication.message,
            { transport = %way.0, topic = %publication.message.topic, tries = failed.tries, retry_in = ?wait, error = %one_line(error) },
            "could not be published from the outbox; it stays there"
        );
        Ok(false)
    }

    async fn park(
        &self,
        relay: &Relay,
        way: &(Text, Outlet),
        row: i64,
        error: &(dyn std::error::Error + Send + Sync + 'static),
        publication: Option<&Enlisted>,
    ) -> Result<(), StoreError> {
        let text = one_line(error);
        relay.store.outbox().park(row, &text, relay.scope.clock().now()).await?;
        let id = publication.map_or_else(String::new, |publication| format!(" (message {})", publication.message.id));
        let told = format!("row {row} of the outbox{id} can't be published and is parked: {text}");
        relay.scope.alerts().note(Level::Critical, AlertKind::PublicationParked, &way.0, &told);
        Ok(())
    }
}

fn start(relay: &Relay, outlet: &Outlet, publication: Enlisted) -> crate::publisher::Confirmation {
    let Enlisted { message, unrouted, due, .. } = publication;
    let delay = due.map(|due| due.duration_since(relay.scope.clock().now()).unwrap_or_default()).unwrap_or_default();
    let outgoing = Outgoing { message, delay, unrouted, under_delivery: true, pending: None, joined: None };
    outlet.path.publish(outgoing, None)
}
