//! Publications that wait for room: first come, first served, and holding nothing while they wait.
//!
//! A waiting publication stands in the line of one full queue, with its message. Whoever makes room there moves it on:
//! places are reserved in all its queues, and only then is it put into any; where one of them is full, it goes to that
//! queue's line instead and keeps its rank by its ticket. So it is in all queues or in none, two fan-outs can't wait
//! for each other, and nothing depends on the publisher polling.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::queue::{Queue, Reserved};
use crate::{error::PublishError, message::Message, text::Text, transport::Receipt};

/// The publications that wait for room in one queue, in order of their tickets.
#[derive(Debug, Default)]
pub(super) struct Line {
    waiting: VecDeque<Arc<Waiting>>,
    /// The first one is being moved on: nobody may pass until that is decided.
    moving: bool,
}

impl Line {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && !self.moving
    }

    /// Whether the holder of this ticket may go ahead of everybody here.
    pub(super) fn lets_pass(&self, ticket: u64) -> bool {
        !self.moving && self.waiting.front().is_none_or(|first| first.ticket >= ticket)
    }

    fn join(&mut self, waiting: &Arc<Waiting>) {
        let place = self.waiting.partition_point(|other| other.ticket < waiting.ticket);
        self.waiting.insert(place, Arc::clone(waiting));
    }

    fn leave(&mut self, waiting: &Arc<Waiting>) {
        self.waiting.retain(|other| !Arc::ptr_eq(other, waiting));
    }

    /// Everybody who waits, to be refused.
    pub(super) fn close(&mut self) -> VecDeque<Arc<Waiting>> {
        std::mem::take(&mut self.waiting)
    }
}

/// A publication that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    ticket: u64,
    queues: Arc<[Arc<Queue>]>,
    delay: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// Until it is put into its queues, or taken back.
    message: Option<Arc<Message>>,
    /// The index of the queue that it waits for.
    at: usize,
    waker: Option<Waker>,
    answer: Option<Result<Receipt, PublishError>>,
}

impl Waiting {
    /// Has a publication wait in the line of the queue `at`.
    pub(super) fn start(queues: Arc<[Arc<Queue>]>, at: usize, message: Message, delay: Duration) -> Wait {
        let ticket = queues[at].hub.number();
        let state = State { message: Some(Arc::new(message)), at, waker: None, answer: None };
        let waiting = Arc::new(Self { ticket, queues, delay, state: Mutex::new(state) });
        waiting.join(at);
        Wait(waiting)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join(self: &Arc<Self>, at: usize) {
        let queue = &self.queues[at];
        let closed = {
            let mut state = queue.lock();
            if state.is_closed() {
                true
            } else {
                self.lock().at = at;
                state.line.join(self);
                false
            }
        };
        if closed {
            self.refuse();
        } else {
            // Room may have come between the look at the queue and this.
            advance(queue);
        }
    }

    /// Answers that the transport is closed.
    pub(super) fn refuse(&self) {
        let waker = {
            let mut state = self.lock();
            if state.message.take().is_none() {
                return;
            }
            state.answer = Some(Err(PublishError::Closed));
            state.waker.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    /// Reserves places in all queues but the one whose line it leads, and gives them up again if one has none.
    fn reserve_others(&self, first: &Arc<Queue>) -> Result<(), Obstacle> {
        for (index, queue) in self.queues.iter().enumerate() {
            if Arc::ptr_eq(queue, first) {
                continue;
            }
            let obstacle = match queue.reserve(Some(self.ticket)) {
                Reserved::Yes => continue,
                Reserved::Full => Obstacle::Full(index),
                Reserved::Closed => Obstacle::Closed,
            };
            self.queues[..index].iter().filter(|queue| !Arc::ptr_eq(queue, first)).for_each(Queue::release);
            return Err(obstacle);
        }
        Ok(())
    }

    /// The point of no return: takes the message, unless the publication was taken back.
    fn commit(&self) -> Option<(Arc<Message>, Option<Waker>)> {
        let mut state = self.lock();
        let message = state.message.take()?;
        state.answer = Some(Ok(Receipt::new(true)));
        Some((message, state.waker.take()))
    }
}

enum Obstacle {
    Full(usize),
    Closed,
}

/// Moves publications that wait for `queue` on while there is room.
pub(super) fn advance(queue: &Arc<Queue>) {
    loop {
        let waiting = {
            let mut state = queue.lock();
            if state.line.moving || !queue.has_room(&state) {
                return;
            }
            let Some(first) = state.line.waiting.front().map(Arc::clone) else { return };
            state.line.moving = true;
            state.hold();
            first
        };
        match waiting.reserve_others(queue) {
            Ok(()) => enter(&waiting, queue),
            Err(obstacle) => {
                // Out of this line before into the other, so that it never stands in two.
                let after = {
                    let mut state = queue.lock();
                    state.line.leave(&waiting);
                    state.let_go()
                };
                queue.finish(after.without_room());
                match obstacle {
                    Obstacle::Full(index) => waiting.join(index),
                    Obstacle::Closed => waiting.refuse(),
                }
                queue.lock().line.moving = false;
            }
        }
    }
}

/// Puts a publication into its queues, in all of which it has a place.
fn enter(waiting: &Arc<Waiting>, queue: &Arc<Queue>) {
    let committed = waiting.commit();
    let others = || waiting.queues.iter().filter(|other| !Arc::ptr_eq(other, queue));
    let Some((message, waker)) = committed else {
        others().for_each(Queue::release);
        let after = {
            let mut state = queue.lock();
            state.line.leave(waiting);
            state.line.moving = false;
            state.let_go()
        };
        // `advance`, which called this, looks for whoever is next.
        queue.finish(after.without_room());
        return;
    };
    for other in others() {
        other.put_reserved(message.clone(), waiting.delay);
    }
    let after = {
        let mut state = queue.lock();
        state.line.leave(waiting);
        state.line.moving = false;
        queue.put(&mut state, message, waiting.delay)
    };
    // `advance`, which called this, goes on by itself: once for each waiting publication would be as deep a stack.
    queue.finish(after.without_room());
    waker.into_iter().for_each(Waker::wake);
}

/// The publisher's side of a publication that waits. Dropped before the answer, it takes the publication back.
#[derive(Debug)]
pub(super) struct Wait(Arc<Waiting>);

impl Wait {
    /// Takes the publication back. The answer, if it is too late; else the queue that had no room.
    pub(super) fn take_back(&self) -> Result<Text, Result<Receipt, PublishError>> {
        let at = {
            let mut state = self.0.lock();
            if let Some(answer) = state.answer.take() {
                return Err(answer);
            }
            state.message = None;
            state.at
        };
        let queue = &self.0.queues[at];
        queue.lock().line.leave(&self.0);
        // Those behind it may have room now that it no longer holds them up.
        advance(queue);
        Ok(queue.declared.name.clone())
    }
}

impl Future for Wait {
    type Output = Result<Receipt, PublishError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.lock();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(answer);
        }
        state.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        // Answered or taken back already: there is nothing left to take back.
        if self.0.lock().message.is_some() {
            drop(self.take_back());
        }
    }
}
