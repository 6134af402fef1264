//! Rows for transports that this program does not have: nobody publishes them here, so that somebody is told.

use std::{collections::HashSet, time::Duration};

use tokio::time::Instant;

use super::Relay;
use crate::text::Text;

/// Between looks.
const EVERY: Duration = Duration::from_mins(1);

/// Which transports were told of. Each is told of once.
#[derive(Default)]
pub(super) struct Beside {
    told: HashSet<Text>,
    next: Option<Instant>,
}

impl Beside {
    /// Looks, if it is time. A database that does not answer is looked at next time.
    pub(super) async fn look(&mut self, relay: &Relay) {
        let now = Instant::now();
        if self.next.is_some_and(|next| next > now) {
            return;
        }
        self.next = Some(now + EVERY);
        let own: Vec<Text> = relay.outlets.iter().map(|(transport, _)| transport.clone()).collect();
        for (transport, waiting) in relay.store.outbox().waiting_beside(&own).await.unwrap_or_default() {
            if self.told.insert(transport.clone()) {
                tracing::warn!(
                    %transport,
                    waiting,
                    "the outbox holds publications for a transport that this program does not have; they wait for one \
                     that has it: configure it, or run the service that they are of"
                );
            }
        }
    }
}
