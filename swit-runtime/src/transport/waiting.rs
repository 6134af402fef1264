//! The workers of one subscription that found nothing and wait to be woken.
//!
//! Guarantee: whoever was woken and took up something else passes the wake-up on ([`Waiting::found`] says so); a worker
//! that waits is in the list once.

use std::task::Waker;

/// Workers that wait, by their numbers.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// A worker's waker, while it waits.
    wakers: Vec<Option<Waker>>,
    /// The workers that wait; the last one to come is the first to go, since its memory is still in the cache.
    idle: Vec<usize>,
    /// The workers that were woken and have not come yet.
    woken: Vec<usize>,
}

impl Waiting {
    pub(crate) fn new(workers: usize) -> Self {
        let workers = workers.max(1);
        Self {
            wakers: (0..workers).map(|_| None).collect(),
            idle: Vec::with_capacity(workers),
            woken: Vec::with_capacity(workers),
        }
    }

    /// Keeps the waker of a worker that found nothing.
    pub(crate) fn wait(&mut self, worker: usize, waker: &Waker) {
        if worker >= self.wakers.len() {
            self.wakers.resize_with(worker + 1, || None);
        }
        self.came(worker);
        match &mut self.wakers[worker] {
            Some(kept) => kept.clone_from(waker),
            none => {
                *none = Some(waker.clone());
                self.idle.push(worker);
            }
        }
    }

    /// Notes that a worker found something. Whether it had been woken for it.
    #[inline]
    pub(crate) fn found(&mut self, worker: usize) -> bool {
        if self.wakers.get_mut(worker).is_some_and(|waker| waker.take().is_some()) {
            self.idle.retain(|idle| *idle != worker);
        }
        self.came(worker)
    }

    #[inline]
    fn came(&mut self, worker: usize) -> bool {
        let position = self.woken.iter().position(|woken| *woken == worker);
        position.map(|position| self.woken.swap_remove(position)).is_some()
    }

    /// How many were woken and have not come yet.
    #[inline]
    pub(crate) fn woken(&self) -> usize {
        self.woken.len()
    }

    /// How many wait.
    #[inline]
    #[cfg_attr(not(feature = "rabbitmq"), expect(dead_code, reason = "only what looks without a lock wants to know"))]
    pub(crate) fn sleepers(&self) -> usize {
        self.idle.len()
    }

    /// The next one to wake.
    #[inline]
    pub(crate) fn next_idle(&mut self) -> Option<Waker> {
        let worker = self.idle.pop()?;
        self.woken.push(worker);
        self.wakers[worker].take()
    }

    /// All that wait, to be woken.
    pub(crate) fn all(&mut self) -> impl Iterator<Item = Waker> {
        std::iter::from_fn(|| self.next_idle())
    }
}
