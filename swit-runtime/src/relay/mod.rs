//! The relay: brings what was committed into the outbox to its broker.
//!
//! ```text
//! membership: which partitions are ours → rows: the first that are pending → round: publish, one a key at a time → removed
//! ```
//!
//! Guarantees:
//! - a row is removed only after its publication was confirmed: whatever dies in between, it is published again, with the
//!   same id (`round`);
//! - of one key, a row is published only after all that were committed before it are confirmed or parked, as long as no
//!   relay that was taken for dead goes on (`round`, `membership`);
//! - what can't be published now is tried again for as long as it takes and holds up its own key alone; what can never be is
//!   parked, told, and stays (`round`).

mod membership;
mod round;

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::{membership::Membership, round::Rounds};
use crate::{
    classify::{Backoff, Jitter},
    id::chance,
    outcome::one_line,
    publisher::Outlet,
    scope::Scope,
    store::{Store, StoreError},
    text::Text,
};

/// How a relay works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RelayOptions {
    /// Most rows that are fetched at once.
    pub(crate) batch: u32,
    /// How often it looks where nobody told it of a commit.
    pub(crate) poll: Duration,
    /// How long it may be silent before others take its partitions over.
    pub(crate) lease: Duration,
}

impl Default for RelayOptions {
    fn default() -> Self {
        Self { batch: 500, poll: Duration::from_secs(1), lease: Duration::from_secs(10) }
    }
}

/// Between looks at a database that does not answer.
const HOPE: Backoff = Backoff::Exponential {
    first: Duration::from_millis(100),
    max: Duration::from_secs(5),
    factor: 2.0,
    jitter: Jitter::Share(0.5),
};

/// The relay of one transport.
pub(crate) struct Relay {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) scope: Arc<Scope>,
    /// Straight to the transport: middleware ran when the publication was made.
    pub(crate) outlet: Outlet,
    /// Which no other relay has, in any process.
    pub(crate) name: Text,
    pub(crate) transport: Text,
    pub(crate) options: RelayOptions,
}

impl Relay {
    /// Relays until it is to end; then what it has begun is finished, and its partitions are given back.
    pub(crate) async fn run(&self, ends: &CancellationToken) {
        let mut membership = Membership::new(self.name.clone(), self.options.lease);
        let mut rounds = Rounds::default();
        let mut failures = 0;
        while !ends.is_cancelled() {
            match self.step(&mut membership, &mut rounds, ends).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    let wait = HOPE.jittered(failures, chance());
                    tracing::error!(
                        transport = %self.transport, error = %one_line(&error), retry_in = ?wait,
                        "the outbox can't be relayed; nothing is lost"
                    );
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = ends.cancelled() => {}
                    }
                }
            }
        }
        if let Err(error) = membership.leave(self.store.outbox()).await {
            tracing::debug!(error = %one_line(&error), "others take the partitions of this relay over when its lease ends");
        }
    }

    /// One look at the outbox, and what follows from it.
    async fn step(
        &self,
        membership: &mut Membership,
        rounds: &mut Rounds,
        ends: &CancellationToken,
    ) -> Result<(), StoreError> {
        let outbox = self.store.outbox();
        membership.keep(outbox).await?;
        // Begun before the look: a commit after it is not missed.
        let mut committed = outbox.committed();
        let is_told = poll_fn(|task| Poll::Ready(committed.as_mut().poll(task).is_ready())).await;
        let (more, next) = if membership.own().is_empty() {
            (false, None)
        } else {
            let rows = outbox.pending(&self.transport, membership.own(), self.options.batch).await?;
            let full = rows.len() >= self.options.batch as usize;
            let done = {
                let mut publishing = pin!(rounds.publish(self, rows));
                loop {
                    tokio::select! {
                        done = &mut publishing => break done?,
                        // A broker that answers late makes no relay a dead one.
                        () = sleep_until(membership.silent_until()) => membership.show(outbox).await?,
                    }
                }
            };
            (full && done > 0, rounds.next_try())
        };
        if more || is_told {
            return Ok(());
        }
        let now = Instant::now();
        let until = [Some(now + self.options.poll), Some(membership.due()), next].into_iter().flatten().min();
        tokio::select! {
            () = committed => {}
            () = sleep_until(until.unwrap_or(now)) => {}
            () = ends.cancelled() => {}
        }
        Ok(())
    }
}
