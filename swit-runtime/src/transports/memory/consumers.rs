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
    prefetch: u32,
    pub(super) waiting: Waiting,
}

impl Consumer {
    pub(super) fn new(id: u64, prefetch: u32, workers: usize) -> Self {
        Self { id, out: 0, prefetch: prefetch.max(1), waiting: Waiting::new(workers) }
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
    /// Only the oldest is handed anything.
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
        !self.single_active || self.all.first().is_some_and(|first| first.id == id)
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
        let candidates = if self.single_active { self.all.len().min(1) } else { self.all.len() };
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
