//! Transactions over several participants that were interrupted are gone on with: at the start, and from time to time.

use std::{sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{outcome::one_line, scope::Scope};

/// How often.
const EVERY: Duration = Duration::from_secs(10);

/// Goes on with them for as long as the service runs. Participants that hang are left after a while.
pub(super) async fn run(scope: Arc<Scope>, ends: CancellationToken) {
    while !ends.is_cancelled() {
        let look = async {
            // Side by side: what one of them waits for is nothing to the others.
            let mut looks = JoinSet::new();
            for (coordinator, recovers) in scope.recoveries().all() {
                looks.spawn(async move {
                    if let Err(error) = recovers.recover().await {
                        let error = one_line(&error);
                        tracing::warn!(%coordinator, error, "transactions can't be recovered now; it is tried again");
                    }
                });
            }
            while looks.join_next().await.is_some() {}
            tokio::time::sleep(EVERY).await;
        };
        // Cut off anywhere, the next look begins where this one was.
        tokio::select! {
            biased;
            () = look => {}
            () = ends.cancelled() => {}
        }
    }
}
