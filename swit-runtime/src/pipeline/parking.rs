//! The parking lot: deliveries that wait for their retry in this process, so that no worker has to.
//!
//! Guarantee: a parked delivery stays unsettled; if the lot is dropped, it goes back to the transport.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
    time::Duration,
};

use atomic_waker::AtomicWaker;
use tokio::{sync::Notify, time::Instant};

use crate::{
    trace::Flow,
    transport::{Delivery, Verdict},
};

/// What to do with a delivery when its time has come.
pub(crate) enum Parked {
    /// Handle it again.
    Retry(Retry),
    /// Give it back to the transport: it was dropped in manual mode without an error.
    Requeue(Delivery),
}

/// A delivery that waits for its next attempt.
pub(crate) struct Retry {
    pub(crate) delivery: Delivery,
    /// The number of the next attempt.
    pub(crate) attempt: u32,
    /// The attempt before it, where somebody traces: of use to the copy that goes away if it can't wait here.
    pub(crate) after: Option<Flow>,
}

/// Deliveries of one subscriber that wait.
pub(crate) struct Parking {
    state: Mutex<State>,
    /// How many are due, so that workers look with one load.
    due: AtomicUsize,
    room: usize,
    changed: Notify,
    workers: Box<[AtomicWaker]>,
}

#[derive(Default)]
struct State {
    waiting: BTreeMap<(Instant, u64), Parked>,
    due: VecDeque<Retry>,
    next: u64,
    closed: bool,
}

impl Parking {
    /// A lot with room for a quarter of the prefetch.
    pub(crate) fn new(prefetch: u32, workers: usize) -> Self {
        Self {
            state: Mutex::default(),
            due: AtomicUsize::new(0),
            room: (prefetch as usize / 4).max(1),
            changed: Notify::new(),
            workers: (0..workers).map(|_| AtomicWaker::new()).collect(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; a poisoned lot is still a consistent one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Parks a delivery for this long. A full lot hands it back; a closed one gives it back to the transport.
    ///
    /// # Errors
    /// There is no room: the caller finds another way to wait.
    pub(crate) fn park(&self, parked: Parked, wait: Duration) -> Result<(), Parked> {
        let mut state = self.lock();
        if state.closed {
            drop(state);
            match parked {
                Parked::Retry(Retry { delivery, .. }) | Parked::Requeue(delivery) => delivery.settle(Verdict::Requeue),
            }
            return Ok(());
        }
        if matches!(parked, Parked::Retry(_)) && state.waiting.len() + state.due.len() >= self.room {
            return Err(parked);
        }
        let key = (Instant::now() + wait, state.next);
        state.next += 1;
        state.waiting.insert(key, parked);
        let first = state.waiting.first_key_value().is_some_and(|(first, _)| *first == key);
        drop(state);
        if first {
            self.changed.notify_one();
        }
        Ok(())
    }

    /// A delivery whose time has come, with the attempt that it is for.
    #[inline]
    pub(crate) fn take(&self) -> Option<(Delivery, u32)> {
        if self.due.load(Ordering::Acquire) == 0 {
            return None;
        }
        let taken = self.lock().due.pop_front();
        if taken.is_some() {
            self.due.fetch_sub(1, Ordering::AcqRel);
        }
        taken.map(|Retry { delivery, attempt, .. }| (delivery, attempt))
    }

    /// Takes out all retries, due or not, with the times that they wait for.
    pub(crate) fn take_all(&self) -> Vec<(Retry, Instant)> {
        let mut state = self.lock();
        let now = Instant::now();
        let due = std::mem::take(&mut state.due);
        self.due.fetch_sub(due.len(), Ordering::AcqRel);
        let mut taken: Vec<_> = due.into_iter().map(|retry| (retry, now)).collect();
        for ((time, number), parked) in std::mem::take(&mut state.waiting) {
            match parked {
                Parked::Retry(retry) => taken.push((retry, time)),
                parked @ Parked::Requeue(_) => {
                    state.waiting.insert((time, number), parked);
                }
            }
        }
        taken
    }

    /// Wakes this worker when something is due. Register first, then look again.
    pub(crate) fn register(&self, worker: usize, waker: &Waker) {
        if let Some(slot) = self.workers.get(worker) {
            slot.register(waker);
        }
    }

    /// How many wait or are due.
    pub(crate) fn len(&self) -> usize {
        let state = self.lock();
        state.waiting.len() + state.due.len()
    }

    /// Hands nothing out any more. What would go back to the transport does; retries stay to be [taken](Self::take_all).
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        let due: Vec<_> = std::mem::take(&mut state.due).into();
        self.due.store(0, Ordering::Release);
        let now = Instant::now();
        for retry in due {
            let key = (now, state.next);
            state.next += 1;
            state.waiting.insert(key, Parked::Retry(retry));
        }
        let is_retry = |parked: &Parked| matches!(parked, Parked::Retry(_));
        let (retries, back): (BTreeMap<_, _>, BTreeMap<_, _>) =
            std::mem::take(&mut state.waiting).into_iter().partition(|(_, parked)| is_retry(parked));
        state.waiting = retries;
        drop(state);
        for parked in back.into_values() {
            if let Parked::Requeue(delivery) = parked {
                delivery.settle(Verdict::Requeue);
            }
        }
        self.changed.notify_one();
    }

    /// Gives back to the transport what is left.
    pub(crate) fn give_back(&self) {
        self.close();
        for (retry, _) in self.take_all() {
            retry.delivery.settle(Verdict::Requeue);
        }
    }

    /// Moves what is due to where workers find it, until the lot is closed. One task a subscriber runs this.
    pub(crate) async fn keep(&self) {
        loop {
            match self.sort() {
                Sorted::Until(next) => {
                    tokio::select! {
                        biased;
                        () = tokio::time::sleep_until(next) => {}
                        () = self.changed.notified() => {}
                    }
                }
                Sorted::Empty => self.changed.notified().await,
                Sorted::Closed => return,
            }
        }
    }

    /// Sorts out what is due.
    fn sort(&self) -> Sorted {
        let now = Instant::now();
        let mut back = Vec::new();
        let mut state = self.lock();
        if state.closed {
            return Sorted::Closed;
        }
        let mut due = 0;
        while let Some(entry) = state.waiting.first_entry().filter(|entry| entry.key().0 <= now) {
            match entry.remove() {
                Parked::Retry(retry) => {
                    state.due.push_back(retry);
                    due += 1;
                }
                Parked::Requeue(delivery) => back.push(delivery),
            }
        }
        let next = state.waiting.first_key_value().map(|((time, _), _)| *time);
        if due > 0 {
            self.due.fetch_add(due, Ordering::AcqRel);
        }
        drop(state);
        for delivery in back {
            delivery.settle(Verdict::Requeue);
        }
        if due > 0 {
            // A worker that is busy looks here before it takes anything else; waking all is rare and simple.
            for worker in &self.workers {
                worker.wake();
            }
        }
        next.map_or(Sorted::Empty, Sorted::Until)
    }
}

/// What is left once what is due was sorted out.
enum Sorted {
    /// Something, until then.
    Until(Instant),
    Empty,
    Closed,
}

impl fmt::Debug for Parking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parking").field("parked", &self.len()).field("room", &self.room).finish_non_exhaustive()
    }
}
