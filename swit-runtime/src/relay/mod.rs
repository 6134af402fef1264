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

mod beside;
mod known;
mod membership;
mod round;

use std::{future::poll_fn, pin::pin, sync::Arc, task::Poll, time::Duration};

use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use self::{beside::Beside, membership::Membership, round::Rounds};
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

/// The relay of one process, for all of its transports: what belongs to a partition has one relay, whichever transport it is
/// published to.
pub(crate) struct Relay {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) scope: Arc<Scope>,
    /// Straight to each transport: middleware ran when the publication was made.
    pub(crate) outlets: Vec<(Text, Outlet)>,
    /// Which no other relay has, in any process.
    pub(crate) name: Text,
    pub(crate) options: RelayOptions,
}

impl Relay {
    /// Relays until it is to end; then what it has begun is finished, and its partitions are given back.
    pub(crate) async fn run(&self, ends: &CancellationToken) {
        let mut membership = Membership::new(self.name.clone(), self.options.lease);
        let mut rounds: Vec<Rounds> = self.outlets.iter().map(|_| Rounds::default()).collect();
        let (mut failures, mut beside) = (0, Beside::default());
        while !ends.is_cancelled() {
            beside.look(self).await;
            match self.step(&mut membership, &mut rounds, ends).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    let wait = HOPE.jittered(failures, chance());
                    tracing::error!(
                        error = %one_line(&error), retry_in = ?wait,
                        "the outbox can't be relayed; nothing is lost"
                    );
                    tokio::select! {
                        biased;
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
        rounds: &mut [Rounds],
        ends: &CancellationToken,
    ) -> Result<(), StoreError> {
        let outbox = self.store.outbox();
        membership.keep(outbox).await?;
        // Begun before the look: a commit after it is not missed.
        let mut committed = outbox.committed();
        let is_told = poll_fn(|task| Poll::Ready(committed.as_mut().poll(task).is_ready())).await;
        let mut more = false;
        if !membership.own().is_empty() {
            let own = membership.own().to_vec();
            let mut publishing = pin!(all(self
                .outlets
                .iter()
                .zip(rounds.iter_mut())
                .map(|(way, rounds)| { rounds.of_transport(self, way, &own) })));
            loop {
                tokio::select! {
                    biased;
                    moved = &mut publishing => {
                        for moved in moved {
                            more |= moved?;
                        }
                        break;
                    }
                    // A broker that answers late makes no relay a dead one. Beside the publishing, which may hold what this
                    // waits for.
                    shown = membership.show_in_time(outbox) => shown?,
                }
            }
        }
        // Whoever has no partition has nothing to try.
        let next = rounds.iter().filter(|_| !membership.own().is_empty()).filter_map(Rounds::next_try).min();
        if more || is_told {
            return Ok(());
        }
        let now = Instant::now();
        let until = [Some(now + self.options.poll), Some(membership.due()), next].into_iter().flatten().min();
        tokio::select! {
            biased;
            () = committed => {}
            () = sleep_until(until.unwrap_or(now)) => {}
            () = ends.cancelled() => {}
        }
        Ok(())
    }
}

/// All of them, side by side.
async fn all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut running: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    poll_fn(|task| {
        let mut waits = false;
        for (future, done) in &mut running {
            if done.is_none() {
                match future.as_mut().poll(task) {
                    Poll::Ready(output) => *done = Some(output),
                    Poll::Pending => waits = true,
                }
            }
        }
        if waits { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    running.into_iter().filter_map(|(_, done)| done).collect()
}
