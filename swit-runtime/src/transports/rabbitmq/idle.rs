//! The workers of a subscription that found nothing, and who wakes them: the client library when something came, and each
//! of them the next one while there is more than it takes.
//!
//! Guarantee: a bell that rings while nobody waits is heard by the next one that would.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Wake, Waker},
    time::{Duration, Instant},
};

use crate::transport::Waiting;

/// How long a worker that was woken may take to come before another one is woken in its stead.
const COMING: Duration = Duration::from_micros(100);

/// The workers that wait. Behind a lock of its own, under which no other one is taken: the client library rings while it
/// holds a lock of the consumer, which a worker takes while it holds the session.
#[derive(Debug)]
pub(super) struct Idle {
    state: Mutex<State>,
    /// How many wait, as of the last one that came or went.
    sleepers: AtomicUsize,
}

#[derive(Debug)]
struct State {
    waiting: Waiting,
    /// When a worker was woken last because another one found more than it takes.
    woke: Instant,
    /// The bell rang while nobody waited.
    rung: bool,
}

impl Idle {
    pub(super) fn new(workers: usize) -> Self {
        let state = State { waiting: Waiting::new(workers), woke: Instant::now(), rung: false };
        Self { state: Mutex::new(state), sleepers: AtomicUsize::new(0) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; a poisoned state is still a consistent one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One that waits, to be woken.
    fn next(&self, state: &mut State) -> Option<Waker> {
        let waker = state.waiting.next_idle();
        self.sleepers.store(state.waiting.sleepers(), Ordering::Relaxed);
        waker
    }

    /// Wakes one worker; if none waits, the next one that would wait looks again.
    pub(super) fn ring(&self) {
        let mut state = self.lock();
        let waker = self.next(&mut state);
        state.rung |= waker.is_none();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes all of them.
    pub(super) fn wake_all(&self) {
        let wakers: Vec<Waker> = self.lock().waiting.all().collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Keeps the waker of a worker that found nothing. False: the bell rang meanwhile, so that it is worth another look.
    pub(super) fn wait(&self, worker: usize, waker: &Waker) -> bool {
        let mut state = self.lock();
        if std::mem::take(&mut state.rung) {
            return false;
        }
        state.waiting.wait(worker, waker);
        self.sleepers.store(state.waiting.sleepers(), Ordering::Relaxed);
        true
    }

    /// Notes that a worker found something. Another one that is to be woken, if there is more.
    pub(super) fn found(&self, worker: usize, may_wait: bool, more: bool) -> Option<Waker> {
        let more = more && self.sleepers.load(Ordering::Relaxed) > 0;
        if !may_wait && !more {
            return None;
        }
        let mut state = self.lock();
        if may_wait {
            state.waiting.found(worker);
            self.sleepers.store(state.waiting.sleepers(), Ordering::Relaxed);
        }
        if !more {
            return None;
        }
        // Handlers that are quicker than a worker wakes up need no other one: whoever was woken gets his time to come.
        if state.waiting.woken() > 0 && state.woke.elapsed() < COMING {
            return None;
        }
        state.woke = Instant::now();
        self.next(&mut state)
    }

    /// Notes that a worker took up something else. If it had been woken, it passes that on.
    pub(super) fn busy(&self, worker: usize) {
        let mut state = self.lock();
        let was_woken = state.waiting.found(worker);
        self.sleepers.store(state.waiting.sleepers(), Ordering::Relaxed);
        drop(state);
        if was_woken {
            self.ring();
        }
    }
}

impl Wake for Idle {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Worker(AtomicUsize);

    impl Wake for Worker {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Worker {
        fn woken(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_bell_that_nobody_hears_is_heard_by_the_next() {
        let (idle, worker) = (Idle::new(2), Arc::new(Worker::default()));
        let waker = Waker::from(Arc::clone(&worker));
        idle.ring();
        assert!(!idle.wait(0, &waker), "it looks again");
        assert!(idle.wait(0, &waker));
        idle.ring();
        assert_eq!(worker.woken(), 1);
    }

    #[test]
    fn who_was_woken_is_given_time_and_passes_it_on() {
        let (idle, worker) = (Idle::new(4), Arc::new(Worker::default()));
        let waker = Waker::from(Arc::clone(&worker));
        assert!((0..3).all(|number| idle.wait(number, &waker)));
        assert!(idle.found(3, false, false).is_none(), "there is no more");
        idle.found(3, false, true).unwrap().wake();
        assert!(idle.found(3, false, true).is_none(), "one is on its way");
        std::thread::sleep(COMING);
        idle.found(3, false, true).unwrap().wake();
        // Both were woken; one of them has something else to do.
        idle.busy(2);
        assert_eq!(worker.woken(), 3, "the last one is woken in its stead");
        idle.busy(3);
        assert_eq!(worker.woken(), 3, "nobody woke this one");
    }
}
