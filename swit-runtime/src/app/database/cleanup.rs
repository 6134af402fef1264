//! What the inbox need not remember any more is forgotten, once a day, by one process.

use std::{sync::Arc, time::Duration};

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

/// Forgets, for as long as the service runs.
pub(super) async fn run(store: Arc<dyn Store>, scope: Arc<Scope>, retention: Duration) {
    loop {
        match walled(|| Box::pin(forget(&*store, &scope, retention))).await {
            Some(Ok(0)) => {}
            Some(Ok(forgotten)) => tracing::info!(forgotten, ?retention, "the inbox forgot what was handled long ago"),
            Some(Err(error)) => {
                tracing::warn!(error = %one_line(&error), "the inbox can't be cleared; it is tried again tomorrow");
            }
            None => tracing::error!("clearing the inbox panicked; it is tried again tomorrow"),
        }
        tokio::time::sleep(LOOK).await;
    }
}

async fn forget(store: &dyn Store, scope: &Scope, retention: Duration) -> Result<u64, StoreError> {
    let now = scope.clock().now();
    if !store.due("inbox-cleanup", EVERY, now).await? {
        return Ok(0);
    }
    let Some(before) = now.checked_sub(retention) else { return Ok(0) };
    let mut all = 0;
    loop {
        let some = store.forget(before, BATCH).await?;
        all += some;
        if some < u64::from(BATCH) {
            return Ok(all);
        }
        tokio::time::sleep(PAUSE).await;
    }
}
