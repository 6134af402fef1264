//! The loop of a batch subscriber's worker: collect, decode, call once, settle each.
//!
//! Guarantees:
//! - what can't be decoded, and what fails by itself, ends by itself: it fails no neighbour;
//! - a failure of the whole batch ends no message for good: the attempt that could is made with that message alone, as is
//!   every attempt at one that came back often enough to be suspected of killing its process;
//! - what was only collected when the subscriber stops or is paused goes back without having been attempted.
//!
//! A batch of one goes the way of a single message (`worker`, `conclude`). Subscribers without batches have none of this.

mod alone;
mod collect;
mod settle;

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::pin,
    sync::Arc,
    time::{Instant, SystemTime},
};

use alone::Alone;
use swit_grammar::subscriber::AckMode;

use super::{
    Plan,
    admission::Admission,
    guard::Guard,
    worker::{Seat, Source, Worker, acknowledge},
};
use crate::{
    batch::{Batch, Item, Settled},
    failpoint::{self, Failpoint},
    message::Message,
    outcome::Outcome,
    policy::Pass,
    registry::BatchHandler,
    trace::{Flow, within},
    transport::{BoxFuture, Delivery},
};

/// The loop of one worker for one batch handler, as the registry holds it.
pub fn start_batch<H: BatchHandler>(worker: Worker) -> BoxFuture<'static, ()> {
    Box::pin(work::<H>(worker))
}

/// A worker's place with what it holds. Nothing here depends on the handler's type.
struct Bench {
    seat: Seat,
    source: Source,
    index: usize,
    /// What was collected for the next batch.
    held: Vec<Held>,
    /// What was collected and never reaches the handler.
    refused: Vec<(Delivery, u32, Admission)>,
    /// What is to be attempted alone.
    alone: VecDeque<Alone>,
}

/// One message of a batch.
struct Held {
    delivery: Delivery,
    attempt: u32,
    /// What is seen in place of its message.
    seen: Option<Arc<Message>>,
}

async fn work<H: BatchHandler>(worker: Worker) {
    let Worker { plan, source, index, counters } = worker;
    let seat = Seat::new(plan, counters);
    let mut guard = Guard::new(seat.plan.receiver.timeout);
    let mut bench = Bench { seat, source, index, held: Vec::new(), refused: Vec::new(), alone: VecDeque::new() };
    loop {
        while let Some(begun) = bench.begin_alone().await {
            if begun {
                attempt_alone::<H>(&mut bench.seat, &mut guard).await;
            }
            bench.seat.busy = false;
        }
        if !Box::pin(bench.collect()).await {
            return;
        }
        bench.seat.busy = true;
        if !bench.held.is_empty() {
            handle::<H>(&mut bench, &mut guard).await;
        }
        Box::pin(bench.turn_refused_away()).await;
        bench.seat.busy = false;
    }
}

/// Makes the attempt that has begun, and those that follow it in place.
async fn attempt_alone<H: BatchHandler>(seat: &mut Seat, guard: &mut Guard) {
    loop {
        failpoint::hit(Failpoint::BeforeHandler);
        let outcome = {
            let flow = seat.cx.trace().cloned();
            let traced = seat.plan.scope.trace().map(|tracer| &**tracer).zip(flow.as_ref());
            let mut attempt = pin!(Some(H::call(&mut seat.cx)));
            poll_fn(|task| within(traced, || guard.poll(attempt.as_mut(), task))).await
        };
        failpoint::hit(Failpoint::AfterHandler);
        watched(&seat.plan, seat.cx.message(), seat.cx.attempt(), &outcome);
        if seat.succeed(&outcome, guard.waited_since()) || seat.conclude(outcome).await {
            // The next one may be attempted without the queue being asked.
            acknowledge(&mut seat.done);
            return;
        }
    }
}

/// Tells those that watch how an attempt ended.
fn watched(plan: &Plan, message: &Message, attempt: u32, outcome: &Outcome) {
    for watch in plan.middleware.iter().filter_map(|middleware| middleware.watch()) {
        watch.attempted(&plan.receiver, message, attempt, outcome);
    }
}

/// Decodes what is held, calls the handler with it, and settles each.
async fn handle<H: BatchHandler>(bench: &mut Bench, guard: &mut Guard) {
    let Bench { seat, held, .. } = bench;
    let (mut items, mut members, mut unfit) =
        (Vec::with_capacity(held.len()), Vec::with_capacity(held.len()), Vec::new());
    let attempted = seat.counters.is_detailed().then(|| seat.plan.scope.clock().now());
    for Held { delivery, attempt, seen } in held.drain(..) {
        // One whose connection was lost meanwhile comes again.
        let delivery = if seat.plan.ack == AckMode::None { Some(delivery) } else { seat.plan.current(delivery) };
        let Some(delivery) = delivery else {
            if let Some(restraints) = &seat.plan.restraints {
                restraints.put_back();
            }
            continue;
        };
        seat.cx.see(seen.clone());
        seat.begin(delivery, attempt);
        let mut taken = None;
        let outcome = {
            let mut taking = pin!(Some(H::take(&mut seat.cx, &mut taken)));
            poll_fn(|task| guard.poll(taking.as_mut(), task)).await
        };
        guard.waited_since();
        match taken.filter(|_| outcome.is_success()) {
            Some(value) => {
                seat.note_age(attempted);
                items.push(Item::taken(value, &mut seat.cx));
                members.push(Held { delivery: seat.cx.take_delivery(), attempt, seen });
            }
            None => unfit.push((Held { delivery: seat.cx.take_delivery(), attempt, seen }, outcome)),
        }
    }
    seat.cx.see(None);
    let settled = if items.is_empty() {
        // Nothing was asked of anybody whom a breaker could be about.
        seat.pass = Pass::default();
        Settled::Each(Vec::new())
    } else {
        let flow = flow_of(&seat.plan, &members);
        call::<H>(seat, guard, Batch::of(items), flow).await
    };
    Box::pin(bench.settle(members, unfit, settled)).await;
}

/// The trace of an attempt at all of them.
fn flow_of(plan: &Plan, members: &[Held]) -> Option<Flow> {
    let tracer = plan.scope.trace()?;
    let mut messages = members.iter().map(|held| held.delivery.message());
    Some(tracer.process_batch(&plan.receiver, &mut messages))
}

impl Seat {
    /// Notes how old the message is at which an attempt is made then.
    fn note_age(&self, then: Option<SystemTime>) {
        if let (Some(then), Some(published)) = (then, self.cx.message().timestamp) {
            self.counters.aged(then.duration_since(published).unwrap_or_default(), 1);
        }
    }
}

/// The one call, behind the guard.
async fn call<H: BatchHandler>(
    seat: &mut Seat,
    guard: &mut Guard,
    batch: Batch<H::Item>,
    flow: Option<Flow>,
) -> Settled {
    let many = batch.len() as u64;
    // Under no delivery: what is published under one says so.
    seat.cx.begin(Delivery::empty(), 0);
    seat.cx.flow_in(flow.clone());
    let traced = seat.plan.scope.trace().map(|tracer| &**tracer).zip(flow.as_ref());
    let began = Instant::now();
    failpoint::hit(Failpoint::BeforeHandler);
    let mut each = None;
    let outcome = {
        let cx = &mut seat.cx;
        let each = &mut each;
        let mut attempt = pin!(Some(async move {
            match H::call_batch(cx, batch).await.0 {
                Settled::All(outcome) => outcome,
                Settled::Each(outcomes) => {
                    *each = Some(outcomes);
                    Outcome::Success
                }
            }
        }));
        poll_fn(|task| within(traced, || guard.poll(attempt.as_mut(), task))).await
    };
    failpoint::hit(Failpoint::AfterHandler);
    // By the clock that tests do not pause, where it never waited.
    let took = guard.waited_since().map_or_else(|| began.elapsed(), |since| since.elapsed());
    seat.counters.took(took, many);
    match each.filter(|_| outcome.is_success()) {
        Some(outcomes) => Settled::Each(outcomes),
        None => Settled::All(outcome),
    }
}
