//! Going on with what was interrupted: by this process or by another that is gone.
//!
//! What was decided is done; what was not is aborted once its deadline has passed; and a prepared part without an entry is
//! rolled back, for an entry is erased only after all participants are done. All of it may be done by several processes at
//! once.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, timeout};

use super::{
    coordinator::{Inner, commit, rollback},
    participant::{TransactionId, TransactionParticipant},
    steps::{Came, all, some_at_once, step},
};
use crate::{
    classify::BoxError,
    failpoint::{Sabotage, is_broken},
    store::{Decision, Entry, Recovered, Recovers, StoreError, Tallied},
    text::Text,
    transport::BoxFuture,
};

/// Entries that are read at once.
const BATCH: u32 = 100;
/// Transactions that are gone on with at once.
const AT_ONCE: usize = 8;
/// How long a participant may take; it is asked again next time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Participants that took too long, in one look: they are asked nothing more in it, so that they hold up nobody else.
#[derive(Default)]
struct Silent(Mutex<HashSet<Text>>);

impl Silent {
    fn has(&self, participant: &Text) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(participant)
    }

    fn note<T>(&self, participant: &Text, came: &Came<T>) {
        if matches!(came, Came::Late) {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(participant.clone());
        }
    }
}

impl Recovers for Inner {
    fn tallied(&self) -> Tallied {
        self.tally.read()
    }

    fn recover(&self) -> BoxFuture<'_, Result<Recovered, StoreError>> {
        Box::pin(async move {
            let mut recovered = Recovered::default();
            if is_broken(Sabotage::LeaveInDoubt) {
                return Ok(recovered);
            }
            let (silent, mut behind, mut failed) = (Silent::default(), Text::default(), None);
            let in_doubt = AtomicU64::new(0);
            loop {
                let entries = answered(self.log().unfinished(&behind, BATCH)).await?;
                let Some(last) = entries.last() else { break };
                behind = last.id.clone();
                let own = entries.into_iter().filter(|entry| entry.coordinator == self.name);
                let resolve = |entry: Entry| {
                    let (silent, in_doubt) = (&silent, &in_doubt);
                    Box::pin(async move {
                        // Asked when it is its turn: it may have been over before.
                        if self.running().contains(&entry.id) {
                            return None;
                        }
                        let is_due = entry.decision.is_some() || self.clock.now() >= entry.deadline;
                        let resolved = self.resolve(&entry, silent).await;
                        if is_due && !matches!(resolved, Ok(true)) {
                            in_doubt.fetch_add(1, Ordering::Relaxed);
                        }
                        Some(resolved)
                    }) as BoxFuture<'_, Option<Result<bool, StoreError>>>
                };
                for resolved in some_at_once(AT_ONCE, own, resolve).await.into_iter().flatten() {
                    match resolved {
                        Ok(true) => recovered.resolved += 1,
                        Ok(false) => recovered.waiting += 1,
                        Err(error) => failed = Some(error),
                    }
                }
            }
            self.tally.found(in_doubt.into_inner());
            recovered.orphans = self.orphans(&silent).await?;
            failed.map_or(Ok(recovered), Err)
        })
    }
}

/// What the log says, within its time: one that hangs must not stop whoever is next.
async fn answered<T>(asked: BoxFuture<'_, Result<T, StoreError>>) -> Result<T, StoreError> {
    let silent = |_| StoreError::Unavailable { doing: "asking the log of decisions", source: "no answer came".into() };
    timeout(PATIENCE, asked).await.map_err(silent)?
}

impl Inner {
    /// Goes on with a transaction. Says whether it is over.
    async fn resolve(&self, entry: &Entry, silent: &Silent) -> Result<bool, StoreError> {
        let decision = match entry.decision {
            Some(decision) => decision,
            None if self.clock.now() < entry.deadline => return Ok(false),
            // Its coordinator may decide at this moment: what counts is what the log says.
            None => {
                let decided = answered(self.log().decide(&entry.id, Decision::Aborted)).await?;
                // It may be over by now, however it was decided: the log knows nothing of it then.
                if decided == Decision::Aborted && answered(self.log().find(&entry.id)).await?.is_none() {
                    return Ok(true);
                }
                decided
            }
        };
        let id = TransactionId::new(self.log_name.clone(), entry.id.clone());
        let waiting = entry.participants.iter().filter(|enrolled| !enrolled.done);
        let doing = waiting.map(|enrolled| {
            let (participant, id) = (self.participant(&enrolled.name), id.clone());
            let name = enrolled.name.clone();
            Box::pin(async move {
                let Some(participant) = participant else {
                    tracing::error!(
                        transaction = %id, participant = %name, decision = decision.as_str(),
                        "a transaction is not over, and its participant is not one of its coordinator's any more; add it again"
                    );
                    return (name, false);
                };
                if silent.has(&name) {
                    return (name, false);
                }
                let came = step(Instant::now() + PATIENCE, || match decision {
                    Decision::Committed => commit(&participant, &id),
                    Decision::Aborted => rollback(&participant, &id, None),
                });
                let came = came.await;
                silent.note(&name, &came);
                if !came.is_well() {
                    tracing::warn!(
                        transaction = %id, participant = %name, decision = decision.as_str(), error = came.why(),
                        "a participant can't do what was decided; it is asked again"
                    );
                }
                (name, came.is_well())
            }) as BoxFuture<'_, (Text, bool)>
        });
        let came = all(doing.collect()).await;
        if came.iter().all(|(_, done)| *done) {
            answered(self.log().erase(&entry.id)).await?;
            tracing::info!(transaction = %id, decision = decision.as_str(), "a transaction that was interrupted is over");
            return Ok(true);
        }
        for (name, _) in came.iter().filter(|(_, done)| *done) {
            answered(self.log().done(&entry.id, name)).await?;
        }
        Ok(false)
    }

    /// Rolls back what is prepared and has no entry, of all participants side by side. Says how many parts.
    async fn orphans(&self, silent: &Silent) -> Result<u64, StoreError> {
        let asked = self.participants.iter().map(|(name, participant)| {
            Box::pin(self.orphans_of(name, participant, silent)) as BoxFuture<'_, Result<u64, StoreError>>
        });
        all(asked.collect()).await.into_iter().sum()
    }

    async fn orphans_of(
        &self,
        name: &Text,
        participant: &Arc<dyn TransactionParticipant>,
        silent: &Silent,
    ) -> Result<u64, StoreError> {
        let mut unknown = Vec::new();
        for id in self.prepared(name, participant, silent).await {
            // Read after it was seen: an entry is written before anything is prepared for it.
            if answered(self.log().find(id.id())).await?.is_none() {
                unknown.push(id);
            }
        }
        if unknown.is_empty() {
            return Ok(0);
        }
        // Another process may have finished them in between. What is prepared still, after its entry was gone, is nobody's.
        let still = self.prepared(name, participant, silent).await;
        let rollback_of = |id: TransactionId| {
            Box::pin(async move {
                if silent.has(name) {
                    return false;
                }
                let came = step(Instant::now() + PATIENCE, || rollback(participant, &id, None)).await;
                silent.note(name, &came);
                if came.is_well() {
                    tracing::warn!(transaction = %id, participant = %name, "rolled back what was prepared for no transaction");
                } else {
                    let error = came.why();
                    tracing::warn!(transaction = %id, participant = %name, error, "what is prepared for no transaction can't be rolled back; it is tried again");
                }
                came.is_well()
            }) as BoxFuture<'_, bool>
        };
        unknown.retain(|id| still.contains(id));
        let came = some_at_once(AT_ONCE, unknown, rollback_of).await;
        Ok(came.into_iter().map(u64::from).sum())
    }

    /// What a participant says that it has prepared.
    async fn prepared(
        &self,
        name: &Text,
        participant: &Arc<dyn TransactionParticipant>,
        silent: &Silent,
    ) -> Vec<TransactionId> {
        if silent.has(name) {
            return Vec::new();
        }
        let (log_name, asked) = (self.log_name.clone(), participant.clone());
        let list = || {
            Box::pin(async move { asked.prepared(&log_name).await })
                as BoxFuture<'static, Result<Vec<TransactionId>, BoxError>>
        };
        let came = step(Instant::now() + PATIENCE, list).await;
        silent.note(name, &came);
        if !came.is_well() {
            tracing::warn!(participant = %name, error = came.why(), "a participant can't say what it has prepared");
        }
        came.well().unwrap_or_default()
    }
}
