//! A worker's loop: the one piece of the data path that is made anew for each handler.
//!
//! Kept small on purpose: everything that does not depend on the handler's type is in ordinary functions. A message
//! that succeeds costs two dynamic calls (`poll_next`, `settle`), no box and no spawn.

use std::{
    future::poll_fn,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context as Task, Poll},
    time::Instant,
};

use swit_grammar::subscriber::AckMode;
use tokio::{sync::mpsc, task::coop::cooperative};

use super::{Counters, Plan, admission::Admission, guard::Guard, manual::Desk};
use crate::{
    context::Context,
    failpoint::{self, Failpoint, Sabotage},
    headers::names,
    message::Message,
    middleware::Next,
    outcome::Outcome,
    policy::{Ended, Pass, Restraints},
    registry::Serve,
    trace::{self, within},
    transport::{BoxFuture, Delivery, Subscription, Verdict},
};

/// A worker of a subscriber, ready to be started.
#[derive(Debug, Clone)]
pub struct Worker {
    pub(crate) plan: Arc<Plan>,
    pub(crate) source: Source,
    pub(crate) index: usize,
    pub(crate) counters: Arc<Counters>,
}

/// Where a worker's deliveries come from.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// The subscription, which all workers share, and the parking lot.
    Shared(Arc<dyn Subscription>),
    /// A lane of an ordered subscription. Only this worker polls it; the lock is there so that a worker that had to be
    /// started again finds its lane where it was.
    Lane(Arc<Mutex<mpsc::Receiver<Delivery>>>),
}

/// What a worker gets.
pub(super) enum Pulled {
    /// A delivery, with the attempt that it is for.
    Delivery(Delivery, u32),
    /// Nothing yet: the gate is closed.
    Held,
    /// Nothing any more.
    Closed,
}

impl From<(Delivery, u32)> for Pulled {
    #[inline]
    fn from((delivery, attempt): (Delivery, u32)) -> Self {
        Self::Delivery(delivery, attempt)
    }
}

impl Source {
    #[inline]
    pub(super) fn poll_next(
        &mut self,
        plan: &Plan,
        worker: usize,
        done: &mut Option<Delivery>,
        pass: &mut Pass,
        task: &mut Task<'_>,
    ) -> Poll<Pulled> {
        if plan.is_held() {
            return self.hold(worker, done);
        }
        match &plan.restraints {
            None => self.pull(plan, worker, done, task),
            Some(restraints) => self.pull_restrained(restraints, plan, worker, done, pass, task),
        }
    }

    /// Pulls nothing now.
    fn hold(&self, worker: usize, done: &mut Option<Delivery>) -> Poll<Pulled> {
        acknowledge(done);
        // What lies in a lane is the puller's to give back.
        if let Self::Shared(subscription) = self {
            subscription.busy(worker);
        }
        Poll::Ready(Pulled::Held)
    }

    /// Pulls with a pass, and goes back without one if there is nothing to pull: whoever waits for a message keeps nobody
    /// else from taking one.
    fn pull_restrained(
        &mut self,
        restraints: &Restraints,
        plan: &Plan,
        worker: usize,
        done: &mut Option<Delivery>,
        pass: &mut Pass,
        task: &mut Task<'_>,
    ) -> Poll<Pulled> {
        match restraints.enter() {
            Some(entered) => *pass = entered,
            // It finds its subscription closed; what needs no verdict is handled as it is.
            None if plan.closing.is_cancelled() => return self.pull(plan, worker, done, task),
            None => return self.hold(worker, done),
        }
        let pulled = self.pull(plan, worker, done, task);
        if !matches!(pulled, Poll::Ready(Pulled::Delivery(..))) {
            restraints.leave(pass);
        }
        pulled
    }

    #[inline]
    pub(super) fn pull(
        &mut self,
        plan: &Plan,
        worker: usize,
        done: &mut Option<Delivery>,
        task: &mut Task<'_>,
    ) -> Poll<Pulled> {
        match self {
            Self::Shared(subscription) => {
                if let Some(due) = plan.due() {
                    acknowledge(done);
                    subscription.busy(worker);
                    return Poll::Ready(due.into());
                }
                let next = match done.take() {
                    Some(done) => subscription.poll_next_after(done, worker, task),
                    None => subscription.poll_next(worker, task),
                };
                if let Poll::Ready(next) = next {
                    return Poll::Ready(next.map_or(Pulled::Closed, numbered));
                }
                plan.parking.register(worker, task.waker());
                let Some(due) = plan.due() else { return Poll::Pending };
                subscription.busy(worker);
                Poll::Ready(due.into())
            }
            Self::Lane(lane) => {
                acknowledge(done);
                // What needs no verdict can't be given back either: it is handled.
                if plan.closing.is_cancelled() && plan.ack != AckMode::None {
                    give_back(lane);
                    return Poll::Ready(Pulled::Closed);
                }
                let mut lane = lane.lock().unwrap_or_else(PoisonError::into_inner);
                loop {
                    // What comes again on a new connection comes in its order; what lies here would come twice.
                    match std::task::ready!(lane.poll_recv(task)).map(|delivery| plan.current(delivery)) {
                        None => return Poll::Ready(Pulled::Closed),
                        Some(Some(delivery)) => return Poll::Ready(numbered(delivery)),
                        Some(None) => {}
                    }
                }
            }
        }
    }
}

/// Gives back what lies in a lane.
pub(crate) fn give_back(lane: &Mutex<mpsc::Receiver<Delivery>>) {
    let mut lane = lane.lock().unwrap_or_else(PoisonError::into_inner);
    while let Ok(delivery) = lane.try_recv() {
        delivery.settle(Verdict::Requeue);
    }
}

#[inline]
pub(super) fn acknowledge(done: &mut Option<Delivery>) {
    if let Some(done) = done.take() {
        done.settle(Verdict::Ack);
    }
}

#[inline]
fn numbered(delivery: Delivery) -> Pulled {
    let attempt = attempt_of(delivery.message());
    Pulled::Delivery(delivery, attempt)
}

/// The attempt that a message is delivered for: what the durable header says, else the first.
#[inline]
pub(super) fn attempt_of(message: &Message) -> u32 {
    if message.headers.is_empty() {
        return 1;
    }
    let header = message.headers.get(&names::ATTEMPT).and_then(crate::headers::HeaderValue::as_integer);
    header.and_then(|attempt| u32::try_from(attempt).ok()).unwrap_or(1).max(1)
}

/// Of attempts that never wait, made by a worker that never waits for a message, one in so many is measured.
const SAMPLE: u32 = 8;

/// The loop of one worker for one handler, as the registry holds it.
pub fn start<H: Serve>(worker: Worker) -> BoxFuture<'static, ()> {
    Box::pin(work::<H>(worker))
}

async fn work<H: Serve>(worker: Worker) {
    let Worker { plan, mut source, index, counters } = worker;
    let mut seat = Seat::new(plan, counters);
    let mut guard = Guard::new(seat.plan.receiver.timeout);
    loop {
        let next = {
            let (source, seat) = (&mut source, &mut seat);
            cooperative(poll_fn(move |task| {
                let next = source.poll_next(&seat.plan, index, &mut seat.done, &mut seat.pass, task);
                seat.waited |= next.is_pending();
                next
            }))
            .await
        };
        let (delivery, attempt) = match next {
            Pulled::Delivery(delivery, attempt) => (delivery, attempt),
            Pulled::Held => {
                // Nobody waits with a probe in hand: it may be what all wait for.
                seat.pass = Pass::default();
                Box::pin(seat.plan.held()).await;
                continue;
            }
            Pulled::Closed => break,
        };
        seat.busy = true;
        if !seat.admit(delivery, attempt).await {
            seat.busy = false;
            continue;
        }
        loop {
            failpoint::hit(Failpoint::BeforeHandler);
            let flow = seat.cx.trace().cloned();
            let traced = seat.plan.scope.trace().map(|tracer| &**tracer).zip(flow.as_ref());
            let outcome = if seat.plan.middleware.is_empty() {
                let mut attempt = pin!(Some(H::call(&mut seat.cx)));
                poll_fn(|task| within(traced, || guard.poll(attempt.as_mut(), task))).await
            } else {
                let chain = Next::new(&seat.plan.middleware, boxed::<H>);
                let mut attempt = pin!(Some(chain.run(&mut seat.cx)));
                poll_fn(|task| within(traced, || guard.poll(attempt.as_mut(), task))).await
            };
            failpoint::hit(Failpoint::AfterHandler);
            if seat.succeed(&outcome, guard.waited_since()) || seat.conclude(outcome).await {
                break;
            }
        }
        seat.busy = false;
    }
}

impl Drop for Seat {
    /// A worker that is cancelled between two messages has handled the first.
    fn drop(&mut self) {
        acknowledge(&mut self.done);
        self.counters.leave();
        // A worker that panics starts again; one that is cancelled does not.
        if self.busy && !std::thread::panicking() {
            self.cx.end_trace(trace::AttemptEnd::Cancelled);
            self.counters.unfinished();
        }
    }
}

fn boxed<H: Serve>(cx: &mut Context) -> BoxFuture<'_, Outcome> {
    Box::pin(async {
        let mut outcome = H::call(cx).await;
        // Middleware sees the class that counts.
        if let Outcome::Failed(failure) = &mut outcome {
            failure.ask(&cx.receiver().rules);
        }
        outcome
    })
}

/// A worker's place: its context and its numbers. Nothing here depends on the handler's type.
pub(super) struct Seat {
    pub(super) plan: Arc<Plan>,
    pub(super) counters: Arc<Counters>,
    pub(super) cx: Context,
    pub(super) desk: Option<Desk>,
    /// The right to make the attempt that runs.
    pub(super) pass: Pass,
    /// The delivery that was handled last, to be acknowledged when the next one is asked for.
    pub(super) done: Option<Delivery>,
    /// When the attempt that runs began, if it is one of those that are measured whether or not they wait. By the clock
    /// that tests do not pause: it is measured, not waited for.
    began: Option<Instant>,
    /// It had to wait for its delivery: nothing is lost by measuring.
    waited: bool,
    /// How many attempts have ended since the last one that was measured.
    unmeasured: u32,
    /// Has a delivery that is not settled.
    pub(super) busy: bool,
}

impl Seat {
    pub(super) fn new(plan: Arc<Plan>, counters: Arc<Counters>) -> Self {
        let cx = Context::new(plan.scope.clone(), plan.receiver.clone()).with_callable(plan.callable.clone());
        Self {
            plan,
            counters,
            cx,
            desk: None,
            pass: Pass::default(),
            done: None,
            began: None,
            waited: true,
            unmeasured: 0,
            busy: false,
        }
    }

    /// Takes a delivery in, unless it never reaches the handler; then it is settled here.
    #[inline]
    pub(super) async fn admit(&mut self, mut delivery: Delivery, attempt: u32) -> bool {
        match Admission::of(&self.plan, &delivery) {
            Admission::Yes => {}
            Admission::As(seen) => self.cx.see(Some(seen)),
            no => {
                // No attempt is made at it: another may be.
                self.pass = Pass::default();
                Box::pin(self.turn_away(delivery, attempt, no)).await;
                return false;
            }
        }
        // A retry that was parked came back from nowhere but here.
        if delivery.redeliveries > 0 && attempt == attempt_of(delivery.message()) {
            self.counters.redelivered();
        }
        if self.plan.ack == AckMode::None || failpoint::is_broken(Sabotage::AckBeforeHandler) {
            // What is left in the context can't be given back any more.
            delivery.split().settle(Verdict::Ack);
        }
        self.begin(delivery, attempt);
        self.cx.begin_trace();
        true
    }

    /// Begins an attempt.
    #[inline]
    pub(super) fn begin(&mut self, delivery: Delivery, attempt: u32) {
        self.cx.begin(delivery, attempt);
        if self.plan.ack == AckMode::Manual {
            self.desk = Some(Desk::open(&self.plan, &mut self.cx));
        }
        self.counters.attempts();
        self.counters.sized(self.cx.payload_len());
        let measured = std::mem::take(&mut self.waited) || self.unmeasured + 1 >= SAMPLE;
        self.began = measured.then(Instant::now);
    }

    /// Notes how long the attempt took, and how old its message was. Reading the clock twice would cost a handler that never
    /// waits more than all of its bookkeeping; so a worker that is never out of messages measures one attempt in
    /// [`SAMPLE`], which stands for those since the last. One that waited is always measured.
    #[inline]
    fn lap(&mut self, waited: Option<tokio::time::Instant>) {
        let (took, many) = match (waited, self.began) {
            (Some(since), _) => (since.elapsed(), 1),
            (None, Some(began)) => (began.elapsed(), u64::from(std::mem::take(&mut self.unmeasured)) + 1),
            (None, None) => {
                self.unmeasured += 1;
                return;
            }
        };
        self.counters.took(took, many);
        if self.counters.is_detailed()
            && let Some(published) = self.cx.message().timestamp
        {
            // One whose clock is ahead of ours was published just now.
            let age = self.plan.scope.clock().now().duration_since(published).unwrap_or_default();
            self.counters.aged(age.saturating_sub(took), many);
        }
    }

    /// The usual end: handled, nothing to publish, acknowledged by us. Everything else is [`conclude`](Self::conclude).
    #[inline]
    pub(super) fn succeed(&mut self, outcome: &Outcome, waited: Option<tokio::time::Instant>) -> bool {
        self.lap(waited);
        let plain = outcome.is_success() && self.cx.is_plain() && self.plan.ack != AckMode::Manual;
        if plain {
            failpoint::hit(Failpoint::BeforeAck);
            self.counters.succeeded();
            if let Some(restraints) = &self.plan.restraints {
                restraints.succeeded(&mut self.pass, &self.plan.receiver.subscriber);
            }
            self.cx.end_trace(trace::AttemptEnd::Well);
            self.done = Some(self.cx.take_delivery());
            self.cx.see(None);
        }
        plain
    }

    /// Tells the breaker, if there is one, how an attempt ended.
    pub(super) fn record(&mut self, outcome: &Outcome) {
        let Some(restraints) = &self.plan.restraints else { return };
        let ended = match outcome {
            Outcome::Success | Outcome::Discarded(_) => Ended::Well,
            Outcome::Failed(failure) => failure.class().into(),
        };
        restraints.record(&mut self.pass, ended, &self.plan.receiver.subscriber);
    }

    /// Settles everything but plain success. Says whether the delivery is done with; if not, the next attempt at it
    /// has begun.
    pub(super) fn conclude(&mut self, outcome: Outcome) -> BoxFuture<'_, bool> {
        Box::pin(async {
            let done = self.settle(outcome).await;
            if done {
                // A decompressed body is not kept until the next message comes.
                self.cx.see(None);
            }
            done
        })
    }
}
