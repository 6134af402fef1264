//! The consuming side: workers poll the client library's buffer themselves, under one lock, without a task between.
//!
//! Guarantee: a verdict reaches the channel that its delivery came by, or none: every session of a subscription has a
//! generation, and a verdict of another one is counted and forgotten, since the broker delivers its message again.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::{
    decode::{self, Seen},
    idle::Idle,
    session::{Caution, Ready, Session},
};
use crate::{
    failpoint::{self, Sabotage},
    message::Message,
    transport::{Delivery, Settle, SubscribeOptions, Subscription, SubscriptionState, Verdict},
};

/// A subscription, as its workers see it.
pub(super) struct RabbitMqSubscription(pub(super) Arc<Inner>);

/// What workers, deliveries and the supervisor of a subscription share.
pub(super) struct Inner {
    pub(super) options: SubscribeOptions,
    state: Mutex<State>,
    /// The workers that wait. They begin to only while the state is locked.
    idle: Arc<Idle>,
    /// What each worker has read before.
    seen: Box<[Mutex<Seen>]>,
    /// Called by the client library when a delivery came.
    pub(super) waker: Waker,
    /// Something that the supervisor has to see to.
    pub(super) changed: Notify,
    /// Something was settled of which the broker is not told yet.
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
    /// How often what lay here was given back only because it had waited: over all sessions.
    pub(super) given_back: u32,
    /// Told to pause: over all sessions.
    pub(super) paused: bool,
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
        let idle = Arc::new(Idle::new(workers));
        Arc::new(Self {
            state: Mutex::new(State { generation: 0, session: None, orphans: 0, given_back: 0, paused: false }),
            seen: (0..workers).map(|_| Mutex::default()).collect(),
            waker: Waker::from(Arc::clone(&idle)),
            idle,
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

    /// Wakes one worker; if none waits, the next one that would wait looks again.
    pub(super) fn ring(&self) {
        self.idle.ring();
    }

    /// Begins a session: the next generation.
    pub(super) fn install(&self, mut session: Session) {
        let mut state = self.lock();
        session.paused = state.paused;
        session.given_back = state.given_back;
        state.generation = (state.generation + 1) & (u32::MAX >> COUNT_BITS);
        state.session = Some(session);
        self.consumes(&state);
        drop(state);
        self.ring();
    }

    /// Says that the broker hands its messages to this subscription, unless it is paused, or closed.
    pub(super) fn consumes(&self, state: &State) {
        if !state.paused {
            self.is_now(SubscriptionState::Consuming);
        }
    }

    fn is_now(&self, now: SubscriptionState) {
        self.status.send_if_modified(|status| {
            let changes = *status != now && *status != SubscriptionState::Closed;
            if changes {
                *status = now;
            }
            changes
        });
    }

    /// Pauses it, or lets it go on; the supervisor sees to the rest.
    fn set_paused(&self, paused: bool) {
        let mut state = self.lock();
        if std::mem::replace(&mut state.paused, paused) == paused {
            return;
        }
        let mut is_consumed = false;
        if let Some(session) = &mut state.session {
            session.paused = paused;
            is_consumed = session.consumer.is_some();
        }
        self.is_now(match (paused, is_consumed) {
            (true, _) => SubscriptionState::Paused,
            (false, true) => SubscriptionState::Consuming,
            (false, false) => SubscriptionState::Waiting,
        });
        drop(state);
        self.changed.notify_one();
        // Nobody may have been told of what lies here while it was paused.
        self.idle.wake_all();
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
        self.idle.wake_all();
    }

    /// Verdicts that came too late for their channel.
    pub(super) fn stale(&self) -> u64 {
        self.stale.load(Ordering::Relaxed)
    }

    fn poll(self: &Arc<Self>, worker: usize, done: Option<Done>, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let mut state = self.lock();
        // A worker that had a delivery until now waited for none.
        let may_wait = done.is_none();
        if let Some(done) = &done {
            self.settled(&mut state, done.stamp, |session| session.ack(done.tag));
        }
        let next = loop {
            if self.closing.is_cancelled() {
                return Poll::Ready(None);
            }
            if let Some(next) = self.take(&mut state) {
                break next;
            }
            // While the state is locked, so that whoever finds more than it takes sees this worker wait.
            if self.idle.wait(worker, cx.waker()) {
                return Poll::Pending;
            }
        };
        let more = state.session.as_ref().is_some_and(Session::has_more);
        let generation = state.generation;
        let another = self.idle.found(worker, may_wait, more);
        drop(state);
        if let Some(another) = another {
            another.wake();
        }
        Poll::Ready(Some(self.delivery(next, done, worker, generation)))
    }

    /// Takes what lies here next, from the client library if need be.
    fn take(&self, state: &mut State) -> Option<Ready> {
        let session = state.session.as_mut()?;
        if session.ready.is_empty() {
            session.pull(&self.waker);
        }
        let next = session.next();
        if session.ended.is_some() || session.caution == Caution::Satisfied {
            self.changed.notify_one();
        }
        if self.options.no_ack
            && let Some(next) = &next
        {
            session.ack(next.tag());
        }
        self.announce(session);
        next
    }

    /// Has the broker told in a while, unless it is told before.
    fn announce(&self, session: &mut Session) {
        if session.window.is_untold() && !std::mem::replace(&mut session.announced, true) {
            self.untold.notify_one();
        }
    }

    /// How often the broker was told something, to be given to [`tell`](Self::tell) a while later.
    pub(super) fn told(&self) -> u64 {
        self.lock().session.as_ref().map_or(0, |session| session.told)
    }

    /// Tells the broker what has waited for others to travel with. If it was told something meanwhile, what is left
    /// waits once more, and so does what stands behind a delivery that is still out, while others don't.
    pub(super) fn tell(&self, told_before: u64) {
        let mut state = self.lock();
        let Some(session) = &mut state.session else { return };
        if session.told == told_before {
            session.flush_late();
        }
        session.announced = false;
        self.announce(session);
    }

    /// What lay here, as a delivery, made of what is left of the one that its worker is done with.
    fn delivery(self: &Arc<Self>, next: Ready, done: Option<Done>, worker: usize, generation: u32) -> Delivery {
        let (sink, spare) = done.map(|done| (done.sink, done.message)).unzip();
        let sink = sink.unwrap_or_else(|| Arc::clone(self) as Arc<dyn Settle>);
        let (tag, message, redeliveries) = match next {
            Ready::Raw { delivery, redeliveries } => {
                let tag = delivery.delivery_tag;
                let mut seen = self.seen[worker % self.seen.len()].lock().unwrap_or_else(PoisonError::into_inner);
                (tag, reused(spare, decode::message(delivery, &mut seen)), redeliveries)
            }
            Ready::Back { tag, message, redeliveries } => (tag, message, redeliveries),
        };
        Delivery::new(message, redeliveries, sink, tag, stamp(generation, redeliveries))
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
                self.announce(session);
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
        let mut stays = false;
        self.settled(&mut state, stamp, |session| match verdict {
            Verdict::Ack => session.ack(tag),
            Verdict::Requeue if failpoint::is_broken(Sabotage::ForgetARequeue) && tag.is_multiple_of(97) => {
                session.ack(tag)
            }
            Verdict::Reject => session.reject(tag, false),
            // Its old place is here: so nothing overtakes it, and nothing is counted. When the subscription is closed, it goes
            // back with all that lies here.
            Verdict::Requeue if session.window.is_out(tag) => {
                session.put_back(tag, message, stamp & MOST_COUNTED);
                stays = true;
                true
            }
            Verdict::Requeue => session.reject(tag, true),
        });
        drop(state);
        if stays {
            self.ring();
        }
    }

    fn give_back(&self, tag: u64, stamp: u32, message: Arc<Message>) {
        if self.closing.is_cancelled() {
            return self.settle(tag, stamp, Verdict::Requeue, message);
        }
        let mut state = self.lock();
        self.settled(&mut state, stamp, |session| session.reject(tag, true));
    }

    /// One that was given back, since it was held for too long, is not: the broker has it again.
    fn is_current(&self, tag: u64, stamp: u32) -> bool {
        let state = self.lock();
        state.generation == stamp >> COUNT_BITS
            && state.session.as_ref().is_some_and(|session| self.options.no_ack || session.window.is_out(tag))
    }
}

impl Subscription for RabbitMqSubscription {
    fn poll_next(&self, worker: usize, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        self.0.poll(worker, None, cx)
    }

    fn poll_next_after(&self, done: Delivery, worker: usize, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let stamp = done.generation();
        match done.take_apart(&self.0) {
            Ok((sink, tag, message)) => self.0.poll(worker, Some(Done { sink, tag, stamp, message }), cx),
            Err(done) => {
                done.settle(Verdict::Ack);
                self.0.poll(worker, None, cx)
            }
        }
    }

    fn busy(&self, worker: usize) {
        self.0.idle.busy(worker);
    }

    fn status(&self) -> watch::Receiver<SubscriptionState> {
        self.0.status.subscribe()
    }

    fn stale(&self) -> u64 {
        self.0.stale()
    }

    fn pause(&self) {
        self.0.set_paused(true);
    }

    fn resume(&self) {
        self.0.set_paused(false);
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

/// What is left of a delivery that is to be acknowledged.
struct Done {
    sink: Arc<dyn Settle>,
    tag: u64,
    stamp: u32,
    message: Arc<Message>,
}

/// A message in the memory of another one, unless somebody still has that.
fn reused(spare: Option<Arc<Message>>, message: Message) -> Arc<Message> {
    let Some(mut spare) = spare else { return Arc::new(message) };
    match Arc::get_mut(&mut spare) {
        Some(place) => *place = message,
        None => return Arc::new(message),
    }
    spare
}
