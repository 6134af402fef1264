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
    publisher::Outgoing,
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

/// Rows that could not be published so far.
#[derive(Default)]
pub(super) struct Rounds {
    failed: HashMap<i64, Failed>,
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

    /// Publishes rows, in their order within each key. Says how many are done with.
    ///
    /// # Errors
    /// What the database said. What was published and not removed is published again, with the same id.
    pub(super) async fn publish(&mut self, relay: &Relay, rows: Vec<Stored>) -> Result<usize, StoreError> {
        let now = Instant::now();
        if rows.is_empty() {
            self.failed.clear();
            return Ok(0);
        }
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
                        self.park(relay, row, &StoreError::Unreadable { row, why }, None).await?;
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
                        started.push((row, publication.clone(), start(relay, publication)));
                    }
                }
            }
            if failpoint::is_broken(Sabotage::RemoveBeforeConfirm) {
                let sent: Vec<i64> = started.iter().map(|(row, ..)| *row).collect();
                relay.store.outbox().done(&sent).await?;
            }
            let mut confirmed = Vec::with_capacity(started.len());
            for (row, publication, answer) in started {
                match answer.await {
                    Ok(_) => confirmed.push(row),
                    Err(error) => {
                        if self.failed(relay, row, &publication, &error).await? {
                            done += 1;
                        } else {
                            held.extend(publication.message.key);
                        }
                    }
                }
            }
            if !confirmed.is_empty() {
                failpoint::hit(Failpoint::BeforeRemoval);
                relay.store.outbox().done(&confirmed).await?;
                done += confirmed.len();
                for row in confirmed {
                    self.failed.remove(&row);
                }
            }
            waiting = later;
        }
        Ok(done)
    }

    /// What becomes of a row that could not be published. Says whether it is done with.
    async fn failed(
        &mut self,
        relay: &Relay,
        row: i64,
        publication: &Enlisted,
        error: &PublishError,
    ) -> Result<bool, StoreError> {
        let failed = self.failed.entry(row).or_insert(Failed { tries: 0, next: Instant::now() });
        failed.tries += 1;
        if is_hopeless(error, failed.tries) {
            self.failed.remove(&row);
            self.park(relay, row, error, Some(publication)).await?;
            return Ok(true);
        }
        let wait = AGAIN.jittered(failed.tries, chance());
        failed.next = Instant::now() + wait;
        about!(
            warn,
            publication.message,
            { transport = %relay.transport, topic = %publication.message.topic, tries = failed.tries, retry_in = ?wait, error = %one_line(error) },
            "could not be published from the outbox; it stays there"
        );
        Ok(false)
    }

    async fn park(
        &self,
        relay: &Relay,
        row: i64,
        error: &(dyn std::error::Error + Send + Sync + 'static),
        publication: Option<&Enlisted>,
    ) -> Result<(), StoreError> {
        let text = one_line(error);
        relay.store.outbox().park(row, &text, relay.scope.clock().now()).await?;
        let id = publication.map_or_else(String::new, |publication| format!(" (message {})", publication.message.id));
        let told = format!("row {row} of the outbox{id} can't be published and is parked: {text}");
        relay.scope.alerts().note(Level::Critical, AlertKind::PublicationParked, &relay.transport, &told);
        Ok(())
    }
}

fn start(relay: &Relay, publication: Enlisted) -> crate::publisher::Confirmation {
    let Enlisted { message, unrouted, due, .. } = publication;
    let delay = due.map(|due| due.duration_since(relay.scope.clock().now()).unwrap_or_default()).unwrap_or_default();
    let outgoing = Outgoing { message, delay, unrouted, under_delivery: true, pending: None, joined: None };
    relay.outlet.path.publish(outgoing, None)
}
