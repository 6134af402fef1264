//! Going on with what was interrupted: by this process or by another that is gone.
//!
//! What was decided is done; what was not is aborted once its deadline has passed; and a prepared part without an entry is
//! rolled back, for an entry is erased only after all participants are done. All of it may be done by several processes at
//! once.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{
    coordinator::{Inner, commit, rollback},
    participant::TransactionId,
    steps::{all, step},
};
use crate::{
    classify::BoxError,
    failpoint::{Sabotage, is_broken},
    store::{Decision, Entry, Recovered, Recovers, StoreError},
    text::Text,
    transport::BoxFuture,
};

/// Entries that are read at once.
const BATCH: u32 = 100;
/// How long a participant may take; it is asked again next time.
const PATIENCE: Duration = Duration::from_secs(10);

impl Recovers for Inner {
    fn recover(&self) -> BoxFuture<'_, Result<Recovered, StoreError>> {
        Box::pin(async {
            let mut recovered = Recovered::default();
            if is_broken(Sabotage::LeaveInDoubt) {
                return Ok(recovered);
            }
            let mut behind = Text::default();
            loop {
                let entries = answered(self.log().unfinished(&behind, BATCH)).await?;
                let Some(last) = entries.last() else { break };
                behind = last.id.clone();
                for entry in entries.iter().filter(|entry| entry.coordinator == self.name) {
                    if self.running().contains(&entry.id) {
                        continue;
                    }
                    if self.resolve(entry).await? {
                        recovered.resolved += 1;
                    } else {
                        recovered.waiting += 1;
                    }
                }
            }
            recovered.orphans = self.orphans().await?;
            Ok(recovered)
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
    async fn resolve(&self, entry: &Entry) -> Result<bool, StoreError> {
        let decision = match entry.decision {
            Some(decision) => decision,
            None if self.clock.now() < entry.deadline => return Ok(false),
            // Its coordinator may decide at this moment: what counts is what the log says.
            None => answered(self.log().decide(&entry.id, Decision::Aborted)).await?,
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
                let came = step(Instant::now() + PATIENCE, || match decision {
                    Decision::Committed => commit(&participant, &id),
                    Decision::Aborted => rollback(&participant, &id, None),
                });
                let came = came.await;
                if !came.is_well() {
                    tracing::warn!(
                        transaction = %id, participant = %name, decision = decision.as_str(), error = came.why(),
                        "a participant can't do what was decided; it is asked again"
                    );
                }
                (name, came.is_well())
            }) as BoxFuture<'static, (Text, bool)>
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

    /// Rolls back what is prepared and has no entry. Says how many parts.
    async fn orphans(&self) -> Result<u64, StoreError> {
        let mut orphans = 0;
        for (name, participant) in &self.participants {
            let log_name = self.log_name.clone();
            let asked = participant.clone();
            let list = || {
                Box::pin(async move { asked.prepared(&log_name).await })
                    as BoxFuture<'static, Result<Vec<TransactionId>, BoxError>>
            };
            let came = step(Instant::now() + PATIENCE, list).await;
            if !came.is_well() {
                tracing::warn!(participant = %name, error = came.why(), "a participant can't say what it has prepared");
            }
            for id in came.well().unwrap_or_default() {
                // Read after it was seen: an entry is written before anything is prepared for it.
                if answered(self.log().find(id.id())).await?.is_some() {
                    continue;
                }
                let came = step(Instant::now() + PATIENCE, || rollback(participant, &id, None)).await;
                if came.is_well() {
                    orphans += 1;
                    tracing::warn!(transaction = %id, participant = %name, "rolled back what was prepared for no transaction");
                } else {
                    let error = came.why();
                    tracing::warn!(transaction = %id, participant = %name, error, "what is prepared for no transaction can't be rolled back; it is tried again");
                }
            }
        }
        Ok(orphans)
    }
}
