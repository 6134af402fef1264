//! The publishing side as callers see it: a line of publications, which one task takes to the broker in order.
//!
//! Guarantee: each caller learns its own result, once: confirmed, refused, or that the outcome is unknown.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{
    sync::{Notify, oneshot},
    time::Instant,
};

use crate::{
    error::PublishError,
    failpoint::{self, Sabotage},
    transport::{Publication, Publish, Publishing, Receipt, Room},
};

/// Where publications wait for the task that sends them.
#[derive(Default)]
pub(super) struct Outlet {
    line: Mutex<Line>,
    pub(super) changed: Notify,
}

#[derive(Default)]
struct Line {
    /// Copies that settlement makes: they go first, and wait for no window.
    copies: VecDeque<Ticket>,
    waiting: VecDeque<Ticket>,
    /// When so many wait, it is looked for those that nobody waits for any more.
    sweep_at: usize,
    closed: bool,
}

/// As few as are not worth a look.
const FEW: usize = 64;

/// A publication, and who waits for its answer.
pub(super) struct Ticket {
    pub(super) publication: Publication,
    pub(super) answer: oneshot::Sender<Result<Receipt, PublishError>>,
    /// When it came.
    pub(super) since: Instant,
}

impl Ticket {
    /// When whoever waits gives up, sent or not.
    fn deadline(&self) -> Option<Instant> {
        match self.publication.room {
            Room::WaitAtMost(limit) => self.since.checked_add(limit),
            Room::Wait | Room::Replaces => None,
        }
    }

    pub(super) fn is_late(&self, now: Instant) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// Answers that its time is over: nothing of it was published.
    pub(super) fn expire(self, why: &'static str) {
        let (destination, waited) = (super::route::destination(&self.publication), self.since.elapsed());
        let _ = self.answer.send(Err(PublishError::Unavailable { destination, waited, why }));
    }
}

impl Outlet {
    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next publication to be sent; only a copy if there is `room` for nothing else. Those that nobody waits for any
    /// more are taken back.
    pub(super) fn next(&self, room: bool) -> Option<Ticket> {
        let mut line = self.lock();
        loop {
            let next = match line.copies.pop_front() {
                Some(copy) => copy,
                None if room => line.waiting.pop_front()?,
                None => return None,
            };
            if !next.answer.is_closed() {
                return Some(next);
            }
        }
    }

    /// Takes back what was not sent, to the heads of its lines.
    pub(super) fn put_back(&self, tickets: impl DoubleEndedIterator<Item = Ticket>) {
        let mut line = self.lock();
        for ticket in tickets.rev() {
            let line = if ticket.publication.room == Room::Replaces { &mut line.copies } else { &mut line.waiting };
            line.push_front(ticket);
        }
    }

    /// Answers those whose time is over before they were sent: nothing of them was published.
    pub(super) fn expire(&self, why: &'static str) {
        let now = Instant::now();
        let expired = |ticket: &Ticket| ticket.is_late(now);
        let mut line = self.lock();
        if !line.waiting.iter().any(expired) {
            return;
        }
        let (late, rest): (VecDeque<_>, VecDeque<_>) = std::mem::take(&mut line.waiting).into_iter().partition(expired);
        line.waiting = rest;
        drop(line);
        for ticket in late {
            ticket.expire(why);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        let line = self.lock();
        line.copies.is_empty() && line.waiting.is_empty()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Takes nothing more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    /// Answers all that are left: they were not published.
    pub(super) fn refuse_all(&self) {
        let mut line = self.lock();
        line.closed = true;
        let left: Vec<Ticket> = line.take_all().collect();
        drop(line);
        for ticket in left {
            let _ = ticket.answer.send(Err(PublishError::Closed));
        }
    }
}

impl Line {
    /// Takes those back that nobody waits for any more. While nothing goes out, nobody else does, and they would pile up.
    fn sweep(&mut self) {
        if self.waiting.len() >= self.sweep_at && !failpoint::is_broken(Sabotage::KeepWhatNobodyWaitsFor) {
            self.waiting.retain(|ticket| !ticket.answer.is_closed());
            self.sweep_at = FEW.max(2 * self.waiting.len());
        }
    }

    fn take_all(&mut self) -> impl Iterator<Item = Ticket> {
        std::mem::take(&mut self.copies).into_iter().chain(std::mem::take(&mut self.waiting))
    }
}

impl Publish for Outlet {
    fn publish(&self, publication: Publication) -> Publishing {
        let (answer, answered) = oneshot::channel();
        let replaces = publication.room == Room::Replaces;
        let ticket = Ticket { publication, answer, since: Instant::now() };
        let mut line = self.lock();
        if line.closed {
            return Publishing::ready(Err(PublishError::Closed));
        }
        if replaces {
            line.copies.push_back(ticket);
        } else {
            line.sweep();
            line.waiting.push_back(ticket);
        }
        drop(line);
        self.changed.notify_one();
        Publishing::Pending(Box::pin(async move { answered.await.unwrap_or(Err(PublishError::Closed)) }))
    }
}

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.lock();
        f.debug_struct("Outlet")
            .field("waiting", &line.waiting.len())
            .field("closed", &line.closed)
            .finish_non_exhaustive()
    }
}
