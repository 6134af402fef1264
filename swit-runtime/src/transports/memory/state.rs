//! What a queue's lock protects, and the bookkeeping that all its operations share.

use std::{
    collections::HashMap,
    task::{self, Poll, Waker},
};

use tokio::time::Instant;

use super::{
    consumers::Consumers,
    delayed::Delayed,
    line::Line,
    ready::{Entry, Ready},
    spares::Spares,
};

/// The state of one queue.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) ready: Ready,
    pub(super) delayed: Delayed,
    pub(super) spares: Spares,
    /// Messages that are ready, delayed or out, and places that are reserved.
    pub(super) held: usize,
    /// How often a place was taken.
    pub(super) taken: u64,
    pub(super) consumers: Consumers,
    /// When those deliveries that are out and have a time to live expire.
    pub(super) mortal: HashMap<u64, Instant>,
    pub(super) line: Line,
    /// The earliest deadline that the timer was told.
    pub(super) announced: Option<Instant>,
    /// It went away with its subscription: what is put into it is forgotten.
    pub(super) gone: bool,
    pub(super) closed: bool,
}

/// What is to be done once the lock is free.
#[derive(Debug, Default)]
#[must_use]
pub(super) struct After {
    pub(super) waker: Option<Waker>,
    /// There is room, and somebody waits for it.
    pub(super) room: bool,
    /// Nothing is held any more.
    pub(super) empty: bool,
    pub(super) deadline: Option<Instant>,
}

impl After {
    /// The same, by somebody who looks after those that wait for room already.
    pub(super) fn without_room(self) -> Self {
        Self { room: false, ..self }
    }
}

impl State {
    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Counts a place as taken.
    #[inline]
    pub(super) fn hold(&mut self) {
        self.held += 1;
        self.taken += 1;
    }

    /// Frees a place.
    #[inline]
    pub(super) fn let_go(&mut self) -> After {
        self.held = self.held.saturating_sub(1);
        After { room: !self.line.is_empty(), empty: self.held == 0, ..After::default() }
    }

    /// Drops what is over.
    pub(super) fn expire(&mut self, now: Instant, after: &mut After) {
        while self.ready.pop_expired(now).is_some() {
            let freed = self.let_go();
            after.room |= freed.room;
            after.empty |= freed.empty;
        }
    }

    /// The first message that this worker may have; its waker is kept if there is none.
    #[inline]
    pub(super) fn poll(
        &mut self,
        id: u64,
        worker: usize,
        no_ack: bool,
        cx: &task::Context<'_>,
        after: &mut After,
    ) -> Poll<Option<Entry>> {
        let active = self.consumers.is_active(id);
        let Some(consumer) = self.consumers.get(id) else { return Poll::Ready(None) };
        if !active || !consumer.may_take() {
            consumer.waiting.wait(worker, cx.waker());
            // What a paused consumer had out last came back: nobody waits for this queue to empty any more.
            after.empty |= consumer.is_still();
            // It was perhaps woken for something that it may not take now: somebody else may.
            after.waker = self.wake_for_ready();
            return Poll::Pending;
        }
        let Some(entry) = self.ready.pop() else {
            consumer.waiting.wait(worker, cx.waker());
            return Poll::Pending;
        };
        let woken = consumer.waiting.found(worker);
        if no_ack {
            let freed = self.let_go();
            after.room |= freed.room;
            after.empty |= freed.empty;
        } else {
            consumer.took();
            if let Some(expires) = entry.expires {
                self.mortal.insert(entry.tag, expires);
            }
        }
        if woken {
            after.waker = self.wake_for_ready();
        }
        Poll::Ready(Some(entry))
    }

    /// A delivery is out no more. When it expires, if it does.
    #[inline]
    pub(super) fn came_back(&mut self, consumer: u64, tag: u64) -> Option<Instant> {
        if let Some(consumer) = self.consumers.get(consumer) {
            consumer.settled();
        }
        if self.mortal.is_empty() { None } else { self.mortal.remove(&tag) }
    }

    /// Whether this consumer is paused with nothing out.
    pub(super) fn is_still(&mut self, consumer: u64) -> bool {
        self.consumers.get(consumer).is_some_and(|consumer| consumer.is_still())
    }

    /// Somebody to wake, if there is something to wake for.
    #[inline]
    pub(super) fn wake_for_ready(&mut self) -> Option<Waker> {
        self.consumers.next_idle(self.ready.len())
    }

    /// The next deadline, if the timer does not know it yet.
    pub(super) fn next_deadline(&mut self) -> Option<Instant> {
        let next = [self.delayed.next_due(), self.ready.next_expiry()].into_iter().flatten().min()?;
        if self.announced.is_some_and(|announced| announced <= next) {
            return None;
        }
        self.announced = Some(next);
        Some(next)
    }
}
