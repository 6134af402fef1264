//! What all publishers of an app share: clock and limits, whether it has opened, who owns their tasks.

use std::{
    fmt,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio_util::sync::CancellationToken;

use super::Published;
use crate::{clock::Clock, error::PublishError, limits::Limits, scope::Scope, trace::Trace, transport::BoxFuture};

/// Owns the tasks of publishers. Nothing here spawns by itself.
pub(crate) trait Tasks: Send + Sync {
    /// Runs a task until it ends, or until its owner gives it up. One that is handed over too late is dropped.
    fn run(&self, task: BoxFuture<'static, ()>);
}

/// What all publishers of an app share.
pub(crate) struct Home {
    pub(super) clock: Clock,
    pub(super) limits: Limits,
    pub(super) trace: Option<Arc<dyn Trace>>,
    /// Cancelled, which here means opened, when connections and topology stand.
    pub(super) opened: CancellationToken,
    /// The same, in a form that costs nothing to ask.
    open: AtomicBool,
    /// The scope with everything that providers built; there once the app has opened. Weak, since it holds the publishers.
    scope: OnceLock<Weak<Scope>>,
    tasks: Option<Arc<dyn Tasks>>,
    /// What is counted, if anything is.
    pub(super) published: Option<Published>,
    /// Cancelled when nothing more is taken in.
    pub(super) closing: CancellationToken,
}

impl Home {
    /// The home of an app's publishers, which has not opened yet.
    pub(crate) fn new(scope: &Scope, tasks: Arc<dyn Tasks>) -> Self {
        Self { tasks: Some(tasks), ..Self::of(scope) }
    }

    /// Counts what is published.
    #[cfg(feature = "prometheus")]
    pub(crate) fn counting(self, published: Published) -> Self {
        Self { published: Some(published), ..self }
    }

    /// A home without tasks, of a scope that was made by hand.
    pub(super) fn of(scope: &Scope) -> Self {
        Self {
            clock: scope.clock().clone(),
            limits: *scope.limits(),
            trace: scope.trace().cloned(),
            opened: scope.opened().clone(),
            open: AtomicBool::new(scope.opened().is_cancelled()),
            scope: OnceLock::new(),
            tasks: None,
            published: None,
            closing: CancellationToken::new(),
        }
    }

    /// What is published from now on goes to the transport at once.
    pub(crate) fn open(&self, scope: &Arc<Scope>) {
        let _ = self.scope.set(Arc::downgrade(scope));
        self.open.store(true, Ordering::Release);
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// The complete scope; `None` before the app has opened, and once it is gone.
    pub(super) fn scope(&self) -> Option<Arc<Scope>> {
        self.scope.get()?.upgrade()
    }

    /// Notes that a publication came to nothing before it was on its way.
    pub(super) fn failed(&self, topic: &str, error: &PublishError) {
        if let Some(published) = &self.published {
            published.failed(topic, error);
        }
    }

    /// Notes that no queue took a publication.
    pub(super) fn unrouted(&self, topic: &str) {
        if let Some(published) = &self.published {
            published.unrouted(topic);
        }
    }

    pub(super) fn run(&self, task: BoxFuture<'static, ()>) {
        if let Some(tasks) = &self.tasks {
            tasks.run(task);
        }
    }
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Home").field("open", &self.is_open()).finish_non_exhaustive()
    }
}
