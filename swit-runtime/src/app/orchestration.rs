//! The sagas of a running service: who runs them, begun once publishers can publish, ended before the relay is.

use std::{any::TypeId, fmt, sync::Arc};

use tokio::{
    task::JoinSet,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

use super::{database::Opened, graph::Graph, tasks::TaskSet};
use crate::{
    id::MessageId,
    registry::SagaRegistration,
    saga::{Definition, Engine},
    scope::Scope,
    walled::walled,
};

/// Whoever runs the sagas of this process. Dropping it cancels them where they are.
pub(super) struct Orchestration {
    engine: Arc<Engine>,
    tasks: Arc<TaskSet>,
    main: JoinSet<()>,
    ends: CancellationToken,
}

impl Orchestration {
    /// Makes it, and puts it where arguments find it; none: the service has no sagas, or no database.
    pub(super) fn new(graph: &Graph, database: Option<&Opened>, scope: &mut Scope) -> Option<Self> {
        let database = database.filter(|_| !graph.sagas.is_empty())?;
        let definitions = graph.sagas.iter().map(|saga| definition(saga, graph)).collect();
        // An instance's name may be configured, and stand twice.
        let member = format!("{}-{}", scope.service().instance, MessageId::new(scope.clock().now()));
        let (poll, lease) = database.pace();
        let engine = Arc::new(Engine::new(database.store().clone(), member.into(), definitions, poll, lease));
        scope.insert(TypeId::of::<Engine>(), engine.clone());
        let ends = CancellationToken::new();
        Some(Self { engine, tasks: Arc::new(TaskSet::new()), main: JoinSet::new(), ends })
    }

    /// Begins to run them.
    pub(super) fn serve(&mut self, scope: &Arc<Scope>) {
        let (engine, scope) = (self.engine.clone(), scope.clone());
        let (tasks, ends) = (self.tasks.clone(), self.ends.clone());
        self.main.spawn(async move {
            // A panic, of ours or of a store, ends nothing: it begins again.
            while walled(|| Box::pin(engine.run(scope.clone(), tasks.clone(), &ends))).await.is_none() {
                tracing::error!("what runs sagas panicked; it begins again");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        });
    }

    /// Whether some saga runs here now.
    pub(super) fn is_busy(&self) -> bool {
        self.engine.is_busy()
    }

    /// Begins nothing more; what runs ends its step.
    pub(super) fn stop(&self) {
        self.ends.cancel();
    }

    /// What runs ends its step, until the deadline; what is left is free for others.
    pub(super) async fn close(mut self, scope: &Scope, deadline: Instant) {
        self.ends.cancel();
        let deadline = deadline.max(Instant::now() + Duration::from_millis(100));
        let ended = async { while self.main.join_next().await.is_some() {} };
        let _ = tokio::time::timeout_at(deadline, ended).await;
        self.tasks.abort();
        // Whoever has left does not show that it lives.
        self.main.shutdown().await;
        // As long as a database may take that has gone.
        let _ = tokio::time::timeout(Duration::from_secs(2), self.engine.leave(scope.clock().now())).await;
    }
}

impl Drop for Orchestration {
    /// The tasks hold the engine, which holds the tasks.
    fn drop(&mut self) {
        self.tasks.abort();
    }
}

/// A saga as its attribute says, and as it is configured.
fn definition(registration: &'static SagaRegistration, graph: &Graph) -> Definition {
    let set = graph.settings.sagas.get(registration.name);
    let concurrency = set.and_then(|set| set.concurrency.as_ref()).map(|concurrency| concurrency.value);
    Definition::new(registration, graph.settings.runs_saga(registration.name), concurrency)
}

impl fmt::Debug for Orchestration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orchestration").field("engine", &self.engine).finish_non_exhaustive()
    }
}
