//! The publishers of a running service, and their tasks.

use std::{any::TypeId, collections::HashMap, pin::pin, sync::Arc, time::Duration};

use tokio::{
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

#[cfg(feature = "prometheus")]
use super::metrics::published;
use super::{graph::Graph, tasks::TaskSet};
use crate::{
    error::Result,
    publisher::{Home, Outlets},
    scope::Scope,
    text::Text,
    transport::{ConnectionState, Status, Transport},
};

/// How long a shutdown waits for a broker that takes nothing: an alarm may last for hours.
const HOPE: Duration = Duration::from_secs(1);

/// The publishers of a running service. Dropping it cancels their tasks; [`close`](Self::close) empties them first.
#[derive(Debug)]
pub(super) struct Publishing {
    pub(super) outlets: Arc<Outlets>,
    tasks: Arc<TaskSet>,
}

impl Publishing {
    /// Makes the publishers, named and unnamed, and puts them where arguments find them.
    pub(super) fn start(graph: &Graph, transports: &[Arc<dyn Transport>], scope: &mut Scope) -> Result<Self> {
        let tasks = Arc::new(TaskSet::new());
        let ports: HashMap<_, _> = transports.iter().map(|t| (Text::from(t.name()), t.publisher())).collect();
        let chain = graph.chain.iter().map(|(_, entry)| entry.clone()).collect();
        let home = Home::new(scope, tasks.clone());
        #[cfg(feature = "prometheus")]
        let home = if graph.settings.telemetry.counts() { home.counting(published(graph)) } else { home };
        let outlets = Arc::new(Outlets::new(home, ports, chain));
        let publishing = Self { outlets: outlets.clone(), tasks };
        for publisher in &graph.publishers {
            let (id, bound) = (publisher.registration.bind)(outlets.make(&publisher.config)?);
            scope.insert(id, bound);
        }
        scope.insert(TypeId::of::<Outlets>(), outlets);
        Ok(publishing)
    }

    /// Publishes and waits for confirmations until the deadline, or until a broker takes nothing, then ends. Says how many
    /// publications were not confirmed.
    pub(super) async fn close(&self, transports: &[Arc<dyn Transport>], deadline: Instant) -> usize {
        let mut hopeless = pin!(timeout_at(deadline, hopeless(transports)));
        let is_flushed = tokio::select! {
            () = self.outlets.flush() => true,
            _ = &mut hopeless => false,
        };
        self.outlets.close();
        if is_flushed {
            // What came in after the flush has begun; tasks end when their queues are empty.
            tokio::select! {
                () = self.outlets.flush() => {}
                _ = hopeless => {}
            }
        }
        let unconfirmed = self.outlets.outstanding();
        self.tasks.finish(if unconfirmed == 0 { deadline.max(Instant::now()) } else { Instant::now() }).await;
        unconfirmed
    }
}

/// Returns once a connection is blocked or lost for longer than is worth waiting for at a shutdown.
async fn hopeless(transports: &[Arc<dyn Transport>]) {
    let mut watching = JoinSet::new();
    for mut status in transports.iter().flat_map(|transport| transport.status()) {
        watching.spawn(async move {
            loop {
                let is_stuck =
                    |status: &Status| matches!(status.state, ConnectionState::Blocked | ConnectionState::Lost);
                if status.wait_for(is_stuck).await.is_err() {
                    // It never changes any more.
                    return std::future::pending().await;
                }
                if timeout(HOPE, status.wait_for(|status| !is_stuck(status))).await.is_err() {
                    return;
                }
            }
        });
    }
    if watching.join_next().await.is_none() {
        std::future::pending::<()>().await;
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}
