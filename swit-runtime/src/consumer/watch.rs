//! Watches a subscription, so that somebody is told when it is lost though its connection stands.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    alert::{AlertKind, Level},
    pipeline::Plan,
    transport::{ConnectionState, Status, SubscriptionState},
};

/// How long a connection has to turn out to be what was lost.
const GRACE: Duration = Duration::from_millis(200);

/// Raises an alert whenever it waits for its queue. What is lost with its connection is told by that, once for all.
pub(super) async fn watch(
    plan: Arc<Plan>,
    mut subscription: watch::Receiver<SubscriptionState>,
    connections: Vec<watch::Receiver<Status>>,
) {
    loop {
        let Ok(well) = subscription.wait_for(|state| is_well(*state)).await.map(|state| *state) else { return };
        let Ok(state) = subscription.wait_for(|state| *state != well).await.map(|state| *state) else { return };
        if state == SubscriptionState::Closed {
            return;
        }
        let before = seen(&connections);
        if state == SubscriptionState::Waiting && before.stand {
            tokio::time::sleep(GRACE).await;
            // Whoever is resumed has to be consuming by then; who was consuming has lost something already.
            let is_lost = well == SubscriptionState::Consuming || *subscription.borrow() == SubscriptionState::Waiting;
            if is_lost && seen(&connections) == before {
                let text = format!("the queue {} is not consumed any more; it is tried again", plan.receiver.queue);
                plan.alert(Level::Error, AlertKind::SubscriptionLost, &text);
            }
        }
    }
}

fn is_well(state: SubscriptionState) -> bool {
    matches!(state, SubscriptionState::Consuming | SubscriptionState::Paused)
}

#[derive(PartialEq)]
struct Seen {
    stand: bool,
    reconnects: u64,
}

fn seen(connections: &[watch::Receiver<Status>]) -> Seen {
    let stands = |status: &Status| matches!(status.state, ConnectionState::Connected | ConnectionState::Blocked);
    let now: Vec<Status> = connections.iter().map(|connection| *connection.borrow()).collect();
    Seen { stand: now.iter().all(stands), reconnects: now.iter().map(|status| status.reconnects).sum() }
}
