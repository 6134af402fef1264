//! Publishing rows: of each key one at a time, keys side by side.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use super::{
    Relay,
    known::{Known, Window},
};
use crate::{
    alert::{AlertKind, Level},
    classify::{Backoff, Jitter},
    error::PublishError,
    failpoint::{self, Failpoint, Sabotage},
    id::chance,
    outcome::one_line,
    publisher::{Outgoing, Outlet},
    said::about,
    store::{Enlisted, Look, StoreError, Stored},
    text::Text,
};

/// So often it is tried to publish what no queue takes, where that is an error: somebody may bind one.
const UNROUTED: u32 = 10;

/// Between looks where all that was tried failed, and it was much: a broker that is away is not asked for every row at once.
const REST: Backoff = Backoff::Exponential {
    first: Duration::from_millis(100),
    max: Duration::from_secs(1),
    factor: 2.0,
    jitter: Jitter::Share(0.5),
};

/// Rows of one transport that could not be published so far, or not be removed.
#[derive(Default)]
pub(super) struct Rounds {
    /// What is known of rows that can't be published now.
    known: Known,
    /// Rows that are confirmed and not removed.
    confirmed: Vec<i64>,
    /// How many looks in a row came to nothing, and until when it rests after them.
    fruitless: u32,
    rests: Option<Instant>,
}

/// What came of the rows of a look.
#[derive(Default)]
struct Came {
    /// Rows that are done with.
    done: usize,
    /// Rows that could not be published, and will be tried again.
    failed: usize,
    /// Rows that were found to lie behind one that waits.
    learned: usize,
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
        self.rests.or_else(|| self.known.next_try())
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
        if self.rests.is_some_and(|until| until > Instant::now()) {
            return Ok(false);
        }
        self.rests = None;
        // What is tried again leaves room for what is new.
        let (batch, half) = (relay.options.batch as usize, (relay.options.batch as usize / 2).max(1));
        self.known.begin(own, half);
        let rows = self.look(relay, &way.0, own).await?;
        let is_full = rows.len() >= batch;
        let last = if is_full { rows.last().map(|stored| stored.row) } else { None };
        let Came { done, failed, learned } = self.publish(relay, way, rows).await?;
        let released = self.known.end(last);
        if done > 0 || failed <= half {
            self.fruitless = 0;
        } else {
            self.fruitless += 1;
            self.rests = Some(Instant::now() + REST.jittered(self.fruitless, chance()));
        }
        Ok(released || (is_full && (done > 0 || learned > 0)))
    }

    /// The first rows that are not known to wait. The last windows first: whatever was committed before a row that is seen is
    /// seen, too, if it is not known to wait.
    async fn look(&self, relay: &Relay, transport: &str, own: &[u16]) -> Result<Vec<Stored>, StoreError> {
        let limit = relay.options.batch;
        let mut rows: Vec<Stored> = Vec::new();
        for Window { behind, until, without } in self.known.windows().into_iter().rev() {
            let look = Look { behind, until, without: &without, limit };
            let mut before = relay.store.outbox().pending(transport, own, look).await?;
            // What is behind a window that was not seen to its end may have to wait for what is in it.
            if before.len() < limit as usize {
                before.append(&mut rows);
            }
            rows = before;
        }
        rows.truncate(limit as usize);
        Ok(rows)
    }

    /// Removes what was confirmed; what can't be removed now is removed before anything else is published.
    async fn remove_confirmed(&mut self, relay: &Relay) -> Result<(), StoreError> {
        if !self.confirmed.is_empty() {
            relay.store.outbox().done(&self.confirmed).await?;
            self.confirmed.clear();
        }
        Ok(())
    }

    /// Publishes rows, in their order within each key.
    ///
    /// # Errors
    /// What the database said. What was published and not removed is published again, with the same id.
    async fn publish(&mut self, relay: &Relay, way: &(Text, Outlet), rows: Vec<Stored>) -> Result<Came, StoreError> {
        let (mut waiting, mut came) = (rows, Came::default());
        if failpoint::is_broken(Sabotage::LastFirst) {
            waiting.reverse();
        }
        while !waiting.is_empty() {
            let mut taken: HashSet<Text> = HashSet::new();
            let (mut later, mut started) = (Vec::new(), Vec::new());
            for Stored { row, publication } in waiting {
                let publication = match publication {
                    Ok(publication) => publication,
                    Err(why) => {
                        self.park(relay, way, row, &StoreError::Unreadable { row, why }, None).await?;
                        self.known.is_done(row);
                        came.done += 1;
                        continue;
                    }
                };
                let key = publication.message.key.clone();
                match key {
                    Some(key) if self.known.follows(row, &key) => came.learned += 1,
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
            // All answers, before anything is asked of the database: what came of them is known, whatever it answers.
            let mut hopeless = Vec::new();
            for (row, publication, answer) in started {
                let Err(error) = answer.await else {
                    self.known.is_done(row);
                    self.confirmed.push(row);
                    continue;
                };
                let (tries, wait) = self.known.failed(row, publication.message.key.as_deref());
                if is_hopeless(&error, tries) {
                    hopeless.push((row, publication, error));
                    continue;
                }
                came.failed += 1;
                about!(
                    warn,
                    publication.message,
                    { transport = %way.0, topic = %publication.message.topic, tries, retry_in = ?wait, error = %one_line(&error) },
                    "could not be published from the outbox; it stays there"
                );
            }
            if !self.confirmed.is_empty() {
                failpoint::hit(Failpoint::BeforeRemoval);
                came.done += self.confirmed.len();
                self.remove_confirmed(relay).await?;
            }
            for (row, publication, error) in hopeless {
                self.park(relay, way, row, &error, Some(&publication)).await?;
                self.known.is_done(row);
                came.done += 1;
            }
            waiting = later;
        }
        Ok(came)
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
