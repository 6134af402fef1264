//! The publishers of a running service, and their tasks.

use std::{any::TypeId, collections::HashMap, sync::Arc};

use tokio::time::{Instant, timeout_at};

use super::{graph::Graph, tasks::TaskSet};
use crate::{
    error::Result,
    publisher::{Home, Outlets},
    scope::Scope,
    text::Text,
    transport::Transport,
};

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
        let outlets = Arc::new(Outlets::new(Home::new(scope, tasks.clone()), ports, chain));
        let publishing = Self { outlets: outlets.clone(), tasks };
        for publisher in &graph.publishers {
            let (id, bound) = (publisher.registration.bind)(outlets.make(&publisher.config)?);
            scope.insert(id, bound);
        }
        scope.insert(TypeId::of::<Outlets>(), outlets);
        Ok(publishing)
    }

    /// Publishes and waits for confirmations until the deadline, then ends. Says how many publications were not confirmed.
    pub(super) async fn close(&self, deadline: Instant) -> usize {
        let _ = timeout_at(deadline, self.outlets.flush()).await;
        self.outlets.close();
        // What came in after the flush has begun; tasks end when their queues are empty.
        let _ = timeout_at(deadline, self.outlets.flush()).await;
        let unconfirmed = self.outlets.outstanding();
        self.tasks.finish(if unconfirmed == 0 { deadline.max(Instant::now()) } else { Instant::now() }).await;
        unconfirmed
    }
}

impl Drop for Publishing {
    fn drop(&mut self) {
        self.tasks.abort();
    }
}
