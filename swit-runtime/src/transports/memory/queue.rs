//! A queue: its lock, and each operation on it as one short critical section.
//!
//! Whatever follows from an operation (wakers, the timer, publications that waited for room) is collected in an
//! [`After`] and done once the lock is free. No path takes a second queue's lock while it holds one.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{self, Poll, Waker},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    consumers::{Consumer, Consumers},
    delayed::Delayed,
    hub::Hub,
    line,
    ready::{Entry, Ready},
    spares::emptied,
    state::{After, State},
};
use crate::{
    message::Message,
    transport::{self, Deleted, QueueRole},
};

/// A queue of the memory transport.
#[derive(Debug)]
pub(super) struct Queue {
    /// How it was declared.
    pub(super) declared: transport::Queue,
    pub(super) hub: Arc<Hub>,
    capacity: usize,
    state: Mutex<State>,
}

/// Whether a publication found room.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reserved {
    Yes,
    Full,
    Closed,
}

impl Queue {
    pub(super) fn new(declared: transport::Queue, capacity: usize, hub: Arc<Hub>) -> Self {
        // A dead letter is the last copy of a message that has already been given up: refusing it would lose it, and
        // waiting would stall the subscriber whose failure it is. So these queues are unbounded, by design.
        let capacity = if declared.role == QueueRole::DeadLetter { usize::MAX } else { capacity.max(1) };
        let state = State { consumers: Consumers::new(declared.single_active), ..State::default() };
        Self { declared, hub, capacity, state: Mutex::new(state) }
    }

    /// The lock. A panic inside it can only come from a waker's `clone`, which leaves the state whole.
    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what follows from a critical section.
    #[inline]
    pub(super) fn finish(self: &Arc<Self>, after: After) {
        if let Some(waker) = after.waker {
            waker.wake();
        }
        if after.empty {
            self.hub.quiet.changed();
        }
        if let Some(deadline) = after.deadline {
            self.hub.timer.schedule(deadline, self);
        }
        if after.room {
            line::advance(self);
        }
    }

    /// Whether a publication without a place in any line may enter.
    #[inline]
    pub(super) fn admits(&self, state: &State) -> bool {
        self.has_room(state) && state.line.is_empty()
    }

    /// Whether there is room.
    #[inline]
    pub(super) fn has_room(&self, state: &State) -> bool {
        state.held < self.capacity || state.gone
    }

    /// Reserves a place: for a newcomer, or for a waiting publication, which may not overtake older ones either.
    pub(super) fn reserve(&self, ticket: Option<u64>) -> Reserved {
        let mut state = self.lock();
        let turn = ticket.map_or_else(|| state.line.is_empty(), |ticket| state.line.lets_pass(ticket));
        if state.closed {
            Reserved::Closed
        } else if turn && self.has_room(&state) {
            state.hold();
            Reserved::Yes
        } else {
            Reserved::Full
        }
    }

    /// Reserves a place whether or not there is room.
    pub(super) fn reserve_anyway(&self) -> Reserved {
        let mut state = self.lock();
        if state.closed {
            return Reserved::Closed;
        }
        state.hold();
        Reserved::Yes
    }

    /// Gives a reserved place up.
    pub(super) fn release(self: &Arc<Self>) {
        let after = {
            let mut state = self.lock();
            state.let_go()
        };
        self.finish(after);
    }

    /// Puts a message into a reserved place.
    pub(super) fn put_reserved(self: &Arc<Self>, message: Arc<Message>, delay: Duration) {
        let after = self.put(&mut self.lock(), message, delay);
        self.finish(after);
    }

    /// Puts a message in whether or not there is room. False if the queue is closed.
    pub(super) fn put_anyway(self: &Arc<Self>, message: Arc<Message>, delay: Duration) -> bool {
        let after = {
            let mut state = self.lock();
            if state.closed {
                return false;
            }
            state.hold();
            self.put(&mut state, message, delay)
        };
        self.finish(after);
        true
    }

    /// Puts a message into a place that `held` already counts.
    #[inline]
    pub(super) fn put(&self, state: &mut State, message: Arc<Message>, delay: Duration) -> After {
        if state.gone {
            return state.let_go();
        }
        if delay.is_zero() {
            let expires = self.expiry(&message);
            state.ready.push(message, expires);
            let deadline = if expires.is_some() { state.next_deadline() } else { None };
            return After { waker: state.wake_for_ready(), deadline, ..After::default() };
        }
        state.delayed.push(later(Instant::now(), delay), message);
        After { deadline: state.next_deadline(), ..After::default() }
    }

    /// When a message that becomes ready now is dropped. A dead letter never is.
    #[inline]
    fn expiry(&self, message: &Message) -> Option<Instant> {
        let ttl = message.ttl?;
        (self.declared.role != QueueRole::DeadLetter).then(|| later(Instant::now(), ttl))
    }

    /// Makes what is due ready and drops what is over. Called by the timer.
    pub(super) fn tick(self: &Arc<Self>, now: Instant) {
        let (after, wakers) = {
            let mut state = self.lock();
            let mut wakers = Vec::new();
            let mut after = After::default();
            while let Some(message) = state.delayed.pop_due(now) {
                let expires = self.expiry(&message);
                state.ready.push(message, expires);
                wakers.extend(state.wake_for_ready());
            }
            state.expire(now, &mut after);
            // A tick of an older, later deadline must not have the next one announced twice.
            if state.announced.is_some_and(|announced| announced <= now) {
                state.announced = None;
            }
            after.deadline = state.next_deadline();
            (after, wakers)
        };
        wakers.into_iter().for_each(Waker::wake);
        self.finish(after);
    }

    /// The next delivery for a worker, which is out from then on.
    #[inline]
    pub(super) fn poll(
        self: &Arc<Self>,
        consumer: u64,
        worker: usize,
        no_ack: bool,
        cx: &task::Context<'_>,
    ) -> Poll<Option<Entry>> {
        let mut state = self.lock();
        let mut after = After::default();
        // Usually nothing can have expired, and no clock is read.
        if state.ready.next_expiry().is_some() {
            state.expire(Instant::now(), &mut after);
        }
        let polled = state.poll(consumer, worker, no_ack, cx, &mut after);
        drop(state);
        self.finish(after);
        polled
    }

    /// Forgets a delivery that is out. The message's memory is kept for the next one.
    #[inline]
    pub(super) fn forget(self: &Arc<Self>, consumer: u64, tag: u64, message: Arc<Message>) {
        let spare = emptied(message);
        let after = {
            let mut state = self.lock();
            state.spares.keep(spare);
            state.came_back(consumer, tag);
            let mut after = state.let_go();
            after.empty |= state.is_still(consumer);
            after.waker = state.wake_for_ready();
            after
        };
        self.finish(after);
    }

    /// Forgets a delivery that is out and takes the next one, under one lock. The worker takes the place that it frees,
    /// so nobody else needs to be woken for that.
    #[inline]
    pub(super) fn exchange(
        self: &Arc<Self>,
        consumer: u64,
        worker: usize,
        tag: u64,
        message: Arc<Message>,
        cx: &task::Context<'_>,
    ) -> Poll<Option<Entry>> {
        let spare = emptied(message);
        let mut state = self.lock();
        state.spares.keep(spare);
        state.came_back(consumer, tag);
        let mut after = state.let_go();
        if state.ready.next_expiry().is_some() {
            state.expire(Instant::now(), &mut after);
        }
        let polled = state.poll(consumer, worker, false, cx, &mut after);
        drop(state);
        self.finish(after);
        polled
    }

    /// Forgets that a worker waits, and wakes another one for what it may have been woken for.
    pub(super) fn busy(self: &Arc<Self>, consumer: u64, worker: usize) {
        let waker = {
            let mut state = self.lock();
            if let Some(consumer) = state.consumers.get(consumer) {
                consumer.waiting.found(worker);
            }
            state.wake_for_ready()
        };
        self.finish(After { waker, ..After::default() });
    }

    /// Puts a delivery that is out back at its place.
    pub(super) fn put_back(self: &Arc<Self>, consumer: u64, tag: u64, redeliveries: u32, message: Arc<Message>) {
        let after = {
            let mut state = self.lock();
            let expires = state.came_back(consumer, tag);
            if state.gone {
                state.let_go()
            } else {
                state.ready.put_back(Entry { tag, redeliveries, expires, message });
                let deadline = if expires.is_some() { state.next_deadline() } else { None };
                After { empty: state.is_still(consumer), waker: state.wake_for_ready(), deadline, ..After::default() }
            }
        };
        self.finish(after);
    }

    /// Pauses a consumer, or lets it go on.
    pub(super) fn pause_consumer(&self, consumer: u64, paused: bool) {
        let wakers = self.lock().consumers.pause(consumer, paused);
        wakers.into_iter().for_each(Waker::wake);
        self.hub.quiet.changed();
    }

    /// Goes away, with what it holds, if nobody consumes it and it may.
    pub(super) fn withdraw(self: &Arc<Self>, with_messages: bool) -> Deleted {
        let (held, after) = {
            let mut state = self.lock();
            if !state.consumers.is_empty() {
                return Deleted::IsConsumed;
            }
            if state.held > 0 && !with_messages {
                return Deleted::HoldsMessages(state.held as u64);
            }
            let held = state.held;
            state.gone = true;
            state.ready = Ready::default();
            state.delayed = Delayed::default();
            (held, After { room: true, empty: true, ..After::default() })
        };
        self.finish(after);
        Deleted::Gone(held as u64)
    }

    /// Adds a consumer. False if the queue is closed or gone.
    pub(super) fn add_consumer(&self, consumer: Consumer) -> bool {
        let mut state = self.lock();
        let open = !state.closed && !state.gone;
        if open {
            state.consumers.add(consumer);
        }
        open
    }

    /// Takes a consumer out; its deliveries stay out. True if the queue went away with it.
    pub(super) fn remove_consumer(self: &Arc<Self>, consumer: u64) -> bool {
        let (after, wakers, gone) = {
            let mut state = self.lock();
            let Some(wakers) = state.consumers.remove(consumer) else { return false };
            let gone = self.declared.exclusive && state.consumers.is_empty();
            if gone {
                state.gone = true;
                state.ready = Ready::default();
                state.delayed = Delayed::default();
            }
            (After { room: gone, empty: true, ..After::default() }, wakers, gone)
        };
        wakers.into_iter().for_each(Waker::wake);
        self.finish(after);
        gone
    }

    /// Ends all consumers, and refuses whatever waits for room and whatever comes.
    pub(super) fn close(&self) {
        let (wakers, waiting) = {
            let mut state = self.lock();
            state.closed = true;
            (state.consumers.remove_all(), state.line.close())
        };
        wakers.into_iter().for_each(Waker::wake);
        for waiting in waiting {
            waiting.refuse();
        }
        self.hub.quiet.changed();
    }

    /// Messages that are ready, delayed or out.
    pub(super) fn depth(&self) -> usize {
        self.lock().held
    }

    /// Messages that lie ready.
    pub(super) fn lying(&self) -> usize {
        self.lock().ready.len()
    }

    /// Whether somebody consumes it and it holds something, and how often a place in it was taken.
    pub(super) fn activity(&self) -> (bool, u64) {
        let state = self.lock();
        (state.held > 0 && state.consumers.is_consumed(), state.taken)
    }

    /// Copies of what lies ready.
    pub(super) fn browse(&self, limit: usize) -> Vec<Message> {
        self.lock().ready.iter().take(limit).map(|message| Message::clone(message)).collect()
    }
}

/// `wait` from `now`, or as good as never.
pub(super) fn later(now: Instant, wait: Duration) -> Instant {
    const NEVER: Duration = Duration::from_hours(30 * 365 * 24);
    now + wait.min(NEVER)
}
