//! The consuming side: workers poll the client library's buffer themselves, under one lock, without a task between.
//!
//! Guarantee: a verdict reaches the channel that its delivery came by, or none: every session of a subscription has a
//! generation, and a verdict of another one is counted and forgotten, since the broker delivers its message again.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{
    decode::{self, Seen},
    session::{Caution, Ready, Session},
};
use crate::{
    failpoint::{self, Sabotage, sabotaged},
    message::Message,
    transport::{Delivery, Settle, SubscribeOptions, Subscription, SubscriptionState, Verdict, Waiting},
};

/// A subscription, as its workers see it.
pub(super) struct RabbitMqSubscription(pub(super) Arc<Inner>);

/// What workers, deliveries and the supervisor of a subscription share.
pub(super) struct Inner {
    pub(super) options: SubscribeOptions,
    state: Mutex<State>,
    idle: Mutex<Idle>,
    /// What each worker has read before.
    seen: Box<[Mutex<Seen>]>,
    /// Called by the client library when a delivery came.
    waker: Waker,
    /// Something that the supervisor has to see to.
    pub(super) changed: Notify,
    /// The first acknowledgement since the broker was told last.
    pub(super) untold: Notify,
    pub(super) closing: CancellationToken,
    /// Cancelled when, after closing, all that lay here has gone back to the broker.
    pub(super) returned: CancellationToken,
    pub(super) status: watch::Sender<SubscriptionState>,
    /// Verdicts of deliveries whose channel was gone.
    stale: AtomicU64,
}

pub(super) struct State {
    /// Of the session that is, or of the last one.
    pub(super) generation: u32,
    pub(super) session: Option<Session>,
    /// Deliveries of sessions that are gone, which somebody still holds.
    pub(super) orphans: usize,
}

/// The workers that wait. Behind a lock of its own: the client library rings the bell while it holds a lock of the
/// consumer, which a worker takes while it holds the session.
struct Idle {
    waiting: Waiting,
    /// The bell rang while nobody waited.
    rung: bool,
}

/// A delivery's generation and its count of redeliveries travel in one number.
const COUNT_BITS: u32 = 8;
const MOST_COUNTED: u32 = (1 << COUNT_BITS) - 1;

fn stamp(generation: u32, redeliveries: u32) -> u32 {
    generation << COUNT_BITS | redeliveries.min(MOST_COUNTED)
}

impl Inner {
    pub(super) fn new(options: SubscribeOptions, closing: CancellationToken) -> Arc<Self> {
        let workers = options.workers.max(1);
        Arc::new_cyclic(|own| Self {
            state: Mutex::new(State { generation: 0, session: None, orphans: 0 }),
            idle: Mutex::new(Idle { waiting: Waiting::new(workers), rung: false }),
            seen: (0..workers).map(|_| Mutex::default()).collect(),
            waker: Waker::from(Arc::new(Bell(Weak::clone(own)))),
            changed: Notify::new(),
            untold: Notify::new(),
            closing,
            returned: CancellationToken::new(),
            status: watch::Sender::new(SubscriptionState::Waiting),
            stale: AtomicU64::new(0),
            options,
        })
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held; a poisoned state is still a consistent one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes one worker; if none waits, the next one that would wait looks again.
    pub(super) fn ring(&self) {
        let mut idle = self.idle();
        let waker = idle.waiting.next_idle();
        idle.rung |= waker.is_none();
        drop(idle);
        wake(waker);
    }

    /// Begins a session: the next generation.
    pub(super) fn install(&self, session: Session) {
        let mut state = self.lock();
        state.generation = (state.generation + 1) & (u32::MAX >> COUNT_BITS);
        state.session = Some(session);
        drop(state);
        self.status.send_replace(SubscriptionState::Consuming);
        self.ring();
    }

    /// Ends the session. What lay here comes again; what is out will be settled in vain.
    pub(super) fn discard(&self) -> Option<Session> {
        self.status.send_if_modified(|status| {
            let was = *status == SubscriptionState::Consuming;
            if was {
                *status = SubscriptionState::Waiting;
            }
            was
        });
        let mut state = self.lock();
        let session = state.session.take()?;
        state.orphans += session.out;
        Some(session)
    }

    /// Wakes all workers: the subscription is closed.
    pub(super) fn wake_all(&self) {
        let wakers: Vec<Waker> = self.idle().waiting.all().collect();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Verdicts that came too late for their channel.
    pub(super) fn stale(&self) -> u64 {
        self.stale.load(Ordering::Relaxed)
    }

    fn poll(self: &Arc<Self>, worker: usize, done: Option<(u64, u32)>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let mut state = self.lock();
        if let Some((tag, stamp)) = done {
            self.settled(&mut state, stamp, |session| session.ack(tag));
        }
        loop {
            if let Some(polled) = self.poll_once(state, worker, cx) {
                return polled;
            }
            state = self.lock();
        }
    }

    /// One look. `None`: the bell rang meanwhile, so it is worth another.
    fn poll_once(
        self: &Arc<Self>,
        mut state: MutexGuard<'_, State>,
        worker: usize,
        cx: &mut Context<'_>,
    ) -> Option<Poll<Option<Delivery>>> {
        if self.closing.is_cancelled() {
            if let Some(session) = &mut state.session {
                session.flush(true);
            }
            return Some(Poll::Ready(None));
        }
        let State { generation, session, .. } = &mut *state;
        let next = session.as_mut().and_then(|session| {
            if session.ready.is_empty() {
                session.pull(&self.waker);
            }
            let next = session.next();
            if session.ended.is_some() || matches!(session.caution, Caution::Satisfied | Caution::Alarmed) {
                self.changed.notify_one();
            }
            match &next {
                Some(next) if self.options.no_ack => {
                    session.ack(next.tag());
                }
                // Nothing to do until the broker sends more: let it.
                None => session.flush(true),
                Some(_) => {}
            }
            if session.window.is_untold() {
                self.untold.notify_one();
            }
            next
        });
        let more = session.as_ref().is_some_and(|session| !session.ready.is_empty());
        let generation = *generation;
        drop(state);
        let mut idle = self.idle();
        let Some(next) = next else {
            if std::mem::take(&mut idle.rung) {
                return None;
            }
            idle.waiting.wait(worker, cx.waker());
            return Some(Poll::Pending);
        };
        idle.waiting.found(worker);
        let another = if more { idle.waiting.next_idle() } else { None };
        drop(idle);
        wake(another);
        let (tag, message, redeliveries) = match next {
            Ready::Raw(delivery) => {
                let tag = delivery.delivery_tag;
                let mut seen = self.seen[worker % self.seen.len()].lock().unwrap_or_else(PoisonError::into_inner);
                let (message, redeliveries) = decode::message(delivery, &mut seen);
                (tag, Arc::new(message), redeliveries)
            }
            Ready::Back { tag, message, redeliveries } => (tag, message, redeliveries),
        };
        let sink = Arc::clone(self) as Arc<dyn Settle>;
        let delivery = Delivery::new(message, redeliveries, sink, tag, stamp(generation, redeliveries));
        Some(Poll::Ready(Some(delivery)))
    }

    /// Applies a verdict to the session that its delivery is of; if that is gone, counts it.
    fn settled(&self, state: &mut State, stamp: u32, verdict: impl FnOnce(&mut Session) -> bool) {
        if self.options.no_ack {
            return;
        }
        let is_current = state.generation == stamp >> COUNT_BITS || failpoint::is_broken(Sabotage::NoGenerationFence);
        let known = match &mut state.session {
            Some(session) if is_current => {
                let known = verdict(session);
                if session.has_room_again() {
                    self.ring();
                }
                if session.out == 0 {
                    self.changed.notify_one();
                }
                if session.window.is_untold() {
                    self.untold.notify_one();
                }
                known
            }
            _ => {
                state.orphans = state.orphans.saturating_sub(1);
                if state.orphans == 0 {
                    self.changed.notify_one();
                }
                false
            }
        };
        if !known {
            self.stale.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Settle for Inner {
    fn settle(&self, tag: u64, stamp: u32, verdict: Verdict, message: Arc<Message>) {
        let mut state = self.lock();
        let closing = self.closing.is_cancelled();
        let mut stays = false;
        self.settled(&mut state, stamp, |session| match verdict {
            Verdict::Ack => session.ack(tag),
            Verdict::Requeue if sabotaged("forget_a_requeue") && tag.is_multiple_of(97) => session.ack(tag),
            Verdict::Reject => session.reject(tag, false),
            // While this subscription goes on, its old place is here: so nothing overtakes it, and nothing is counted.
            Verdict::Requeue if !closing && session.caution != Caution::Alarmed && session.window.is_out(tag) => {
                session.put_back(tag, message, stamp & MOST_COUNTED);
                stays = true;
                true
            }
            Verdict::Requeue => session.reject(tag, true),
        });
        if closing && let Some(session) = &mut state.session {
            session.flush(true);
        }
        drop(state);
        if stays {
            self.ring();
        }
    }

    fn give_back(&self, tag: u64, stamp: u32, _: Arc<Message>) {
        let mut state = self.lock();
        self.settled(&mut state, stamp, |session| session.reject(tag, true));
    }

    fn is_current(&self, stamp: u32) -> bool {
        let state = self.lock();
        state.session.is_some() && state.generation == stamp >> COUNT_BITS
    }
}

impl Subscription for RabbitMqSubscription {
    fn poll_next(&self, worker: usize, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.0.poll(worker, None, cx)
    }

    fn poll_next_after(&self, done: Delivery, worker: usize, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        match done.take_verdict(&self.0) {
            Ok(tag_and_stamp) => self.0.poll(worker, Some(tag_and_stamp), cx),
            Err(done) => {
                done.settle(Verdict::Ack);
                self.0.poll(worker, None, cx)
            }
        }
    }

    fn busy(&self, worker: usize) {
        let was_woken = self.0.idle().waiting.found(worker);
        if was_woken {
            self.0.ring();
        }
    }

    fn status(&self) -> watch::Receiver<SubscriptionState> {
        self.0.status.subscribe()
    }

    fn stale(&self) -> u64 {
        self.0.stale()
    }

    fn close(&self) {
        self.0.closing.cancel();
        self.0.wake_all();
    }
}

impl Drop for RabbitMqSubscription {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for RabbitMqSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RabbitMqSubscription")
            .field("queue", &self.0.options.queue)
            .field("status", &*self.0.status.borrow())
            .field("stale", &self.0.stale())
            .finish_non_exhaustive()
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// Wakes one worker when the client library has something; that one wakes the next if there is more.
struct Bell(Weak<Inner>);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let Some(inner) = self.0.upgrade() else { return };
        inner.ring();
    }
}
