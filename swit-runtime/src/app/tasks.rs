//! The tasks of a running service that belong to no consumer: what publishers do in the background.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{runtime::Handle, task::JoinSet, time::Instant};

use crate::{publisher::Tasks, transport::BoxFuture};

/// Tasks that end with the service.
pub(super) struct TaskSet {
    runtime: Handle,
    /// `None` once the service has ended: what comes later is dropped.
    tasks: Mutex<Option<JoinSet<()>>>,
}

impl TaskSet {
    /// None yet; they will run on the runtime of this call.
    pub(super) fn new() -> Self {
        Self { runtime: Handle::current(), tasks: Mutex::new(Some(JoinSet::new())) }
    }

    /// Waits for all tasks until the deadline, then cancels those that are left.
    pub(super) async fn finish(&self, deadline: Instant) {
        let Some(mut tasks) = self.lock().take() else { return };
        let _ = tokio::time::timeout_at(deadline, async { while tasks.join_next().await.is_some() {} }).await;
        tasks.shutdown().await;
    }

    /// Cancels all tasks.
    pub(super) fn abort(&self) {
        let tasks = self.lock().take();
        drop(tasks);
    }

    fn lock(&self) -> MutexGuard<'_, Option<JoinSet<()>>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tasks for TaskSet {
    fn run(&self, task: BoxFuture<'static, ()>) {
        let mut tasks = self.lock();
        let Some(set) = tasks.as_mut() else {
            // Dropped outside of the lock: it may hold a publication that would come back here.
            drop(tasks);
            return;
        };
        // What has ended is forgotten as others come.
        while set.try_join_next().is_some() {}
        set.spawn_on(task, &self.runtime);
    }
}

impl fmt::Debug for TaskSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskSet").field("tasks", &self.lock().as_ref().map(JoinSet::len)).finish_non_exhaustive()
    }
}
