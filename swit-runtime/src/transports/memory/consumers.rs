//! Who consumes a queue: prefetch accounts and the wakers of workers that found nothing.

use std::task::Waker;

use crate::transport::Waiting;

/// Messages that may lie ready for each worker that was woken and has not come yet, before another one is woken.
///
/// Waking a worker may wake a thread, which costs more than handling a dozen messages. So a burst wakes one worker, and
/// that one, when it finds more than it takes, wakes the next; only a backlog is worth several at once.
const BACKLOG_A_WORKER: usize = 32;

/// One subscription, as its queue sees it.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) id: u64,
    /// Deliveries that are out and count against the prefetch.
    out: u32,
    /// Most that may be out now; 0 while it is paused.
    prefetch: u32,
    /// Most that may be out when it is not paused.
    full: u32,
    pub(super) waiting: Waiting,
}

impl Consumer {
    pub(super) fn new(id: u64, prefetch: u32, workers: usize) -> Self {
        let prefetch = prefetch.max(1);
        Self { id, out: 0, prefetch, full: prefetch, waiting: Waiting::new(workers) }
    }

    /// Takes nothing any more, or takes again.
    pub(super) fn pause(&mut self, paused: bool) {
        self.prefetch = if paused { 0 } else { self.full };
    }

    /// Whether it is paused and has nothing out: the queue is as good as not consumed by it.
    pub(super) fn is_still(&self) -> bool {
        self.prefetch == 0 && self.out == 0
    }

    #[inline]
    pub(super) fn may_take(&self) -> bool {
        self.out < self.prefetch
    }

    #[inline]
    pub(super) fn took(&mut self) {
        self.out += 1;
    }

    #[inline]
    pub(super) fn settled(&mut self) {
        self.out = self.out.saturating_sub(1);
    }
}

/// The subscriptions of one queue, oldest first.
#[derive(Debug, Default)]
pub(super) struct Consumers {
    all: Vec<Consumer>,
    /// Whose turn it is to be woken.
    turn: usize,
    /// Only the oldest is handed anything, of those that are not paused.
    single_active: bool,
}

impl Consumers {
    pub(super) fn new(single_active: bool) -> Self {
        Self { single_active, ..Self::default() }
    }

    pub(super) fn add(&mut self, consumer: Consumer) {
        self.all.push(consumer);
    }

    #[inline]
    pub(super) fn get(&mut self, id: u64) -> Option<&mut Consumer> {
        self.all.iter_mut().find(|consumer| consumer.id == id)
    }

    /// Whether this consumer is handed anything at all.
    #[inline]
    pub(super) fn is_active(&self, id: u64) -> bool {
        !self.single_active || self.all.iter().find(|one| !one.is_still()).is_some_and(|first| first.id == id)
    }

    /// Whether somebody takes anything, or has something out.
    pub(super) fn is_consumed(&self) -> bool {
        self.all.iter().any(|one| !one.is_still())
    }

    /// Pauses one, or lets it go on: everybody who waits is to be woken, since the next one may be the active one now.
    pub(super) fn pause(&mut self, id: u64, paused: bool) -> Vec<Waker> {
        let Some(consumer) = self.get(id) else { return Vec::new() };
        consumer.pause(paused);
        self.all.iter_mut().flat_map(|consumer| consumer.waiting.all()).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Takes a consumer out. Its waiting workers are to be woken, so that they learn of it, and everybody else's, so
    /// that what it was woken for finds somebody else.
    pub(super) fn remove(&mut self, id: u64) -> Option<Vec<Waker>> {
        let position = self.all.iter().position(|consumer| consumer.id == id)?;
        let mut removed = self.all.remove(position);
        let all = self.all.iter_mut().chain(Some(&mut removed));
        Some(all.flat_map(|consumer| consumer.waiting.all()).collect())
    }

    /// Takes all out, with the wakers of those who wait.
    pub(super) fn remove_all(&mut self) -> Vec<Waker> {
        let mut all = std::mem::take(&mut self.all);
        all.iter_mut().flat_map(|consumer| consumer.waiting.all()).collect()
    }

    /// One worker that waits and may take something, in turn among the subscriptions; none as long as those that were
    /// woken before can be expected to take the `ready` messages.
    #[inline]
    pub(super) fn next_idle(&mut self, ready: usize) -> Option<Waker> {
        let woken: usize = self.all.iter().map(|consumer| consumer.waiting.woken()).sum();
        if ready <= woken * BACKLOG_A_WORKER {
            return None;
        }
        if self.single_active {
            let active = self.all.iter_mut().find(|one| !one.is_still())?;
            return if active.may_take() { active.waiting.next_idle() } else { None };
        }
        let candidates = self.all.len();
        for _ in 0..candidates {
            self.turn = if self.turn + 1 < candidates { self.turn + 1 } else { 0 };
            let consumer = &mut self.all[self.turn];
            if consumer.may_take()
                && let Some(waker) = consumer.waiting.next_idle()
            {
                return Some(waker);
            }
        }
        None
    }
}
