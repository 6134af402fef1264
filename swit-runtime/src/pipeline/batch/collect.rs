//! Collecting: the first message, and what comes within the time of the first.
//!
//! Guarantee: while as many as a batch takes are ready, nobody waits for the clock. What is collected when the gate shuts or
//! the subscriber stops goes back, and is no attempt.

use std::{
    future::poll_fn,
    pin::pin,
    task::{Context as Task, Poll},
};

use swit_grammar::subscriber::AckMode;
use tokio::{
    task::coop::cooperative,
    time::{Instant, sleep_until},
};

use super::{Alone, Bench, Held};
use crate::{
    pipeline::{
        admission::Admission,
        plan::SUSPECT,
        worker::{Pulled, Source, attempt_of},
    },
    policy::Pass,
    transport::{Delivery, Verdict},
};

/// What one look for more comes to.
enum More {
    Delivery(Delivery, u32),
    /// The time is over.
    Late,
    /// The gate is shut.
    Shut,
    /// No attempt may begin now, for the rate limit.
    NoToken,
    /// Nothing comes any more.
    Closed,
}

impl Bench {
    /// Collects until there is something to do. False: nothing comes any more, and nothing is held.
    pub(super) async fn collect(&mut self) -> bool {
        let Some((delivery, attempt)) = self.first().await else { return false };
        self.take_in(delivery, attempt, true);
        // Whoever is to be attempted alone waits for nobody; neither does one that is looked at to see how it goes.
        if self.held.is_empty() {
            return true;
        }
        match self.more().await {
            More::Closed if self.may_give_back() => {
                self.give_back().await;
                false
            }
            _ if self.seat.plan.is_held() && self.may_give_back() => {
                self.give_back().await;
                true
            }
            _ => true,
        }
    }

    async fn first(&mut self) -> Option<(Delivery, u32)> {
        let Self { seat, source, index, .. } = self;
        loop {
            let next = poll_fn(|task| source.poll_next(&seat.plan, *index, &mut seat.done, &mut seat.pass, task));
            match cooperative(next).await {
                Pulled::Delivery(delivery, attempt) => return Some((delivery, attempt)),
                Pulled::Held => {
                    seat.pass = Pass::default();
                    seat.plan.held().await;
                }
                Pulled::Closed => return None,
            }
        }
    }

    /// Takes more until the batch is full or something ends it: what did.
    async fn more(&mut self) -> More {
        let plan = self.seat.plan.clone();
        let numbers = plan.batch.unwrap_or_default();
        let max = usize::try_from(numbers.max()).unwrap_or(usize::MAX);
        let mut over = pin!(sleep_until(Instant::now() + numbers.within()));
        let mut shut = pin!(plan.gate.shut());
        while self.held.len() + self.alone.len() + self.refused.len() < max {
            let more = poll_fn(|task| match self.poll_more(task) {
                Poll::Pending if shut.as_mut().poll(task).is_ready() => Poll::Ready(More::Shut),
                Poll::Pending => over.as_mut().poll(task).map(|()| More::Late),
                ready @ Poll::Ready(_) => ready,
            });
            match cooperative(more).await {
                More::Delivery(delivery, attempt) => {
                    self.take_in(delivery, attempt, false);
                    // What is filtered fills nothing, and must not keep what waits.
                    if over.is_elapsed() {
                        self.source.busy(self.index);
                        return More::Late;
                    }
                }
                More::NoToken => {
                    self.source.busy(self.index);
                    let token = async {
                        if let Some(restraints) = &plan.restraints {
                            restraints.ready().await;
                        }
                    };
                    tokio::select! {
                        () = token => {}
                        () = over.as_mut() => return More::Late,
                        () = shut.as_mut() => return More::Shut,
                        () = plan.closing.cancelled() => {}
                    }
                }
                end => {
                    self.source.busy(self.index);
                    return end;
                }
            }
        }
        More::Late
    }

    fn poll_more(&mut self, task: &mut Task<'_>) -> Poll<More> {
        let Self { seat, source, index, .. } = self;
        let plan = &seat.plan;
        if plan.is_held() {
            return Poll::Ready(More::Shut);
        }
        let restraints = plan.restraints.as_ref();
        if restraints.is_some_and(|restraints| !restraints.enter_more()) && !plan.closing.is_cancelled() {
            return Poll::Ready(More::NoToken);
        }
        match source.pull(plan, *index, &mut seat.done, task) {
            Poll::Ready(Pulled::Delivery(delivery, attempt)) => return Poll::Ready(More::Delivery(delivery, attempt)),
            Poll::Ready(Pulled::Closed) => return Poll::Ready(More::Closed),
            Poll::Ready(Pulled::Held) | Poll::Pending => {}
        }
        if let Some(restraints) = restraints {
            restraints.put_back();
        }
        Poll::Pending
    }

    /// Says where a delivery that was pulled goes: into the batch, to those that are attempted alone, or nowhere.
    fn take_in(&mut self, mut delivery: Delivery, attempt: u32, is_first: bool) {
        let plan = &self.seat.plan;
        if is_first && (self.seat.pass.is_probe() || self.is_to_be_alone(&delivery, attempt)) {
            self.alone.push_back(Alone::entered(delivery, attempt));
            return;
        }
        if self.is_to_be_alone(&delivery, attempt) {
            if let Some(restraints) = &plan.restraints {
                // It enters by itself, when its turn comes.
                restraints.put_back();
            }
            self.alone.push_back(Alone::new(delivery, attempt));
            return;
        }
        let seen = match Admission::of(plan, &delivery) {
            Admission::Yes => None,
            Admission::As(seen) => Some(seen),
            Admission::Filtered => {
                self.seat.counters.filtered();
                delivery.settle(Verdict::Ack);
                return;
            }
            refused @ Admission::Refused(..) => {
                self.refused.push((delivery, attempt, refused));
                return;
            }
        };
        // A retry that was parked came back from nowhere but here.
        if delivery.redeliveries > 0 && attempt == attempt_of(delivery.message()) {
            self.seat.counters.redelivered();
        }
        if plan.ack == AckMode::None {
            // What is left can't be given back any more.
            delivery.split().settle(Verdict::Ack);
        }
        self.held.push(Held { delivery, attempt, seen });
    }

    /// The attempt that may be the last is made alone, and so is every attempt at what may have killed its process.
    fn is_to_be_alone(&self, delivery: &Delivery, attempt: u32) -> bool {
        let plan = &self.seat.plan;
        plan.ack != AckMode::None && (attempt > plan.policy.written_retries() || delivery.redeliveries >= SUSPECT)
    }

    /// Settles what was collected and never reaches the handler.
    pub(super) async fn turn_refused_away(&mut self) {
        for (delivery, attempt, why) in std::mem::take(&mut self.refused) {
            self.seat.turn_away(delivery, attempt, why).await;
        }
    }

    /// What needs no verdict can't be given back.
    fn may_give_back(&self) -> bool {
        self.seat.plan.ack != AckMode::None
    }

    /// Gives back what was only collected.
    pub(super) async fn give_back(&mut self) {
        let plan = self.seat.plan.clone();
        self.seat.pass = Pass::default();
        // Those that are attempted alone put their token back when they were set aside.
        let entered = self.held.len();
        let held = self.held.drain(..).map(|held| (held.delivery, held.attempt));
        let alone = self.alone.drain(..).map(|alone| (alone.delivery, alone.attempt));
        let refused = self.refused.drain(..).map(|(delivery, attempt, _)| (delivery, attempt));
        if let Some(restraints) = &plan.restraints {
            (0..entered).for_each(|_| restraints.put_back());
        }
        let (fresh, again): (Vec<_>, Vec<_>) = held
            .chain(alone)
            .chain(refused)
            .partition(|(delivery, attempt)| *attempt == attempt_of(delivery.message()));
        for (delivery, _) in fresh {
            delivery.settle(Verdict::Requeue);
        }
        // The number of its attempt stands nowhere else.
        for (delivery, attempt) in again {
            let Some(delivery) = plan.current(delivery) else { continue };
            if let Err(delivery) = plan.retry_later(delivery, attempt, plan.held_for(), None).await {
                delivery.settle(Verdict::Requeue);
            }
        }
    }
}

impl Source {
    /// Says that this worker waits for nothing now.
    fn busy(&self, worker: usize) {
        if let Self::Shared(subscription) = self {
            subscription.busy(worker);
        }
    }
}
