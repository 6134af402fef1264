//! What the inbox need not remember any more is forgotten, and what sagas that are over were, once a day, by one process.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use crate::{
    outcome::one_line,
    scope::Scope,
    store::{Store, StoreError},
    walled::walled,
};

/// How often.
const EVERY: Duration = Duration::from_hours(24);
/// How often it is looked whether it is time.
const LOOK: Duration = Duration::from_mins(10);
/// So many rows at once, so that nobody waits long for a lock.
const BATCH: u32 = 1_000;
/// Between batches.
const PAUSE: Duration = Duration::from_millis(100);

/// What is forgotten, each for itself.
#[derive(Debug, Clone, Copy)]
enum Old {
    /// Messages that were handled.
    Handled,
    /// Sagas that are over, with their events.
    Finished,
}

impl Old {
    const fn job(self) -> &'static str {
        match self {
            Self::Handled => "inbox-cleanup",
            Self::Finished => "saga-cleanup",
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Handled => "messages that were handled",
            Self::Finished => "sagas that are over",
        }
    }

    async fn forget_some(self, store: &dyn Store, before: SystemTime) -> Result<u64, StoreError> {
        match self {
            Self::Handled => store.forget(before, BATCH).await,
            Self::Finished => store.sagas().forget_finished(before, BATCH).await,
        }
    }
}

/// Forgets, for as long as the service runs.
pub(super) async fn run(store: Arc<dyn Store>, scope: Arc<Scope>, retention: Duration) {
    loop {
        for old in [Old::Handled, Old::Finished] {
            let (now, what) = (scope.clock().now(), old.as_str());
            match walled(|| Box::pin(forget(&*store, old, now, retention))).await {
                Some(Ok(0)) => {}
                Some(Ok(forgotten)) => tracing::info!(forgotten, ?retention, "{what} long ago were forgotten"),
                Some(Err(error)) => {
                    tracing::warn!(error = %one_line(&error), "{what} can't be forgotten; it is tried again tomorrow");
                }
                None => tracing::error!("forgetting {what} panicked; it is tried again tomorrow"),
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// Says how many.
async fn forget(store: &dyn Store, old: Old, now: SystemTime, retention: Duration) -> Result<u64, StoreError> {
    if !store.due(old.job(), EVERY, now).await? {
        return Ok(0);
    }
    let Some(before) = now.checked_sub(retention) else { return Ok(0) };
    let mut all = 0;
    loop {
        let some = old.forget_some(store, before).await?;
        all += some;
        if some < u64::from(BATCH) {
            return Ok(all);
        }
        tokio::time::sleep(PAUSE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        store::{Instance, SagaState},
        stores::MemoryStore,
        text::Text,
    };

    /// One that was over at this time.
    fn finished(key: &str, at: SystemTime) -> Instance {
        Instance {
            saga: "order".into(),
            key: key.into(),
            id: key.into(),
            version: 1,
            revision: 0,
            state: SagaState::Completed,
            owner: Text::default(),
            waits: None,
            due: None,
            parked: None,
            wish: None,
            opening: "null".into(),
            journal: "[]".into(),
            started_at: at,
            updated_at: at,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_older_than_the_retention_is_forgotten_once_a_day() {
        let (store, hour) = (MemoryStore::new(), Duration::from_hours(1));
        let (start, retention) = (SystemTime::UNIX_EPOCH + 1_000 * hour, 48 * hour);
        let mut work = store.begin().await.unwrap();
        // More than are forgotten at once.
        for number in 0..2_500 {
            let (key, at) = (number.to_string(), if number < 2_400 { start - 49 * hour } else { start - 47 * hour });
            work.claim("a", &key, at).await.unwrap();
            work.start_saga(&finished(&key, at)).await.unwrap();
        }
        work.commit().await.unwrap();
        for old in [Old::Handled, Old::Finished] {
            let forgets = async |now| forget(&store, old, now, retention).await.unwrap();
            assert_eq!(forgets(start).await, 2_400, "{old:?}");
            assert_eq!(forgets(start + 23 * hour).await, 0, "{old:?}: not twice a day");
            assert_eq!(forgets(start + 24 * hour).await, 100, "{old:?}");
        }
        assert_eq!(store.sagas().load("order", "2499").await.unwrap(), None);
    }
}
