//! The one timer of a transport: tells queues that something is due or over.
//!
//! A transport may be made outside of a runtime and outlive the one that it was first used in. So the timer's task is
//! started by whoever schedules something, and again if its runtime went away with it.

use std::{
    cmp::{Ordering, Reverse},
    collections::BinaryHeap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use tokio::{
    runtime::Handle,
    sync::Notify,
    task::JoinHandle,
    time::{Instant, sleep_until},
};

use super::queue::Queue;

/// Calls queues when their deadlines come.
#[derive(Debug, Default)]
pub(super) struct Timer {
    state: Mutex<State>,
    /// The earliest deadline changed, or the timer stopped.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    deadlines: BinaryHeap<Reverse<Deadline>>,
    task: Option<JoinHandle<()>>,
    stopped: bool,
}

#[derive(Debug)]
struct Deadline {
    at: Instant,
    queue: Weak<Queue>,
}

impl Timer {
    /// Has `queue` ticked at this moment.
    pub(super) fn schedule(self: &Arc<Self>, at: Instant, queue: &Arc<Queue>) {
        let mut state = self.lock();
        if state.stopped {
            return;
        }
        let first = state.deadlines.peek().is_none_or(|Reverse(next)| at < next.at);
        state.deadlines.push(Reverse(Deadline { at, queue: Arc::downgrade(queue) }));
        self.start(&mut state);
        drop(state);
        if first {
            self.changed.notify_one();
        }
    }

    /// Starts the task if there is something to wait for, a runtime, and no task.
    pub(super) fn ensure_started(self: &Arc<Self>) {
        let mut state = self.lock();
        if !state.stopped && !state.deadlines.is_empty() {
            self.start(&mut state);
        }
    }

    /// Ends the task, which the caller may await.
    pub(super) fn stop(&self) -> Option<JoinHandle<()>> {
        let mut state = self.lock();
        state.stopped = true;
        state.deadlines.clear();
        let task = state.task.take();
        drop(state);
        if let Some(task) = &task {
            task.abort();
        }
        task
    }

    fn start(self: &Arc<Self>, state: &mut State) {
        if state.task.as_ref().is_none_or(JoinHandle::is_finished)
            && let Ok(runtime) = Handle::try_current()
        {
            state.task = Some(runtime.spawn(run(Arc::clone(self))));
        }
    }

    /// Takes the queues that are due, and tells when the next one is.
    fn due(&self, now: Instant, queues: &mut Vec<Weak<Queue>>) -> Option<Instant> {
        let mut state = self.lock();
        while let Some(Reverse(next)) = state.deadlines.peek() {
            if next.at > now {
                return Some(next.at);
            }
            queues.extend(state.deadlines.pop().map(|Reverse(deadline)| deadline.queue));
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run(timer: Arc<Timer>) {
    let mut queues = Vec::new();
    loop {
        let next = timer.due(Instant::now(), &mut queues);
        for queue in queues.drain(..).filter_map(|queue| queue.upgrade()) {
            queue.tick(Instant::now());
        }
        // A deadline that a tick has just announced has rung `changed`, which keeps one ring.
        match next {
            Some(at) => {
                tokio::select! {
                    biased;
                    () = sleep_until(at) => {}
                    () = timer.changed.notified() => {}
                }
            }
            None => timer.changed.notified().await,
        }
    }
}

impl PartialEq for Deadline {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Deadline {}

impl PartialOrd for Deadline {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Deadline {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}
