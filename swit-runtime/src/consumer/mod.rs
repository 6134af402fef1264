//! One running subscriber: its subscription, its workers, and the tasks that serve them.
//!
//! Guarantee: whoever owns a [`Consumer`] owns its tasks. After [`Consumer::drain`] none is left, and every delivery
//! was settled or given back.

mod lanes;
mod view;
mod watch;

use std::{
    fmt,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    task::Poll,
};

use swit_grammar::subscriber::{AckMode, Order};
use tokio::{task::JoinSet, time::Instant};

pub(crate) use view::View;

use crate::{
    error::TransportError,
    failpoint::{self, Sabotage},
    pipeline::{Counters, Plan, Source, Worker},
    policy::Restraints,
    transport::{BoxFuture, SubscribeOptions, Transport},
};

/// A running subscriber.
pub(crate) struct Consumer {
    view: View,
    workers: JoinSet<()>,
    /// The parking lot's keeper, which ends by itself once nothing lies there any more.
    keeper: JoinSet<()>,
    /// The puller of an ordered subscription, and who watches it.
    attendants: JoinSet<()>,
}

/// How a subscriber consumes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manner {
    pub(crate) concurrency: usize,
    pub(crate) prefetch: u32,
    pub(crate) order: Order,
    /// The worker's loop, made for the handler.
    pub(crate) start: fn(Worker) -> BoxFuture<'static, ()>,
}

impl Consumer {
    /// Subscribes and starts the workers.
    pub(crate) async fn open(
        transport: &dyn Transport,
        plan: Arc<Plan>,
        manner: Manner,
    ) -> Result<Self, TransportError> {
        let by_key = manner.concurrency > 1 && matches!(manner.order, Order::Key | Order::Header(_));
        let mut options =
            SubscribeOptions::new(plan.receiver.queue.clone(), plan.receiver.subscriber.clone(), manner.prefetch)
                .with_workers(if by_key { 1 } else { manner.concurrency });
        if plan.ack == AckMode::None {
            options = options.with_no_ack();
        }
        if plan.ordered {
            options = options.with_ordered();
        }
        let subscription = transport.subscribe(options).await?;
        let (mut workers, mut keeper, mut attendants) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
        let sources = if by_key {
            let (lanes, puller) = lanes::open(subscription.clone(), plan.clone(), manner);
            attendants.spawn(puller);
            lanes
        } else {
            (0..manner.concurrency).map(|_| Source::Shared(subscription.clone())).collect()
        };
        // Ordered subscribers retry in place; only what a manual handler dropped is parked there.
        if !plan.ordered || plan.ack == AckMode::Manual {
            let lot = plan.clone();
            keeper.spawn(async move {
                tokio::join!(lot.parking.keep(), lot.clear_the_lot());
            });
        }
        if let Some(breaker) = plan.restraints.as_ref().and_then(Restraints::breaker) {
            let breaker = breaker.clone();
            attendants.spawn(async move { breaker.keep_time().await });
        }
        // What lies in this process is never lost.
        if transport.capabilities().durable {
            attendants.spawn(watch::watch(plan.clone(), subscription.status(), transport.status()));
        }
        let mut counters = Vec::with_capacity(manner.concurrency);
        let mut tasks = Vec::with_capacity(manner.concurrency);
        for (index, source) in sources.into_iter().enumerate() {
            let own = Arc::new(Counters::new(plan.measures));
            counters.push(own.clone());
            let worker =
                workers.spawn(keep_working(manner.start, Worker { plan: plan.clone(), source, index, counters: own }));
            tasks.push(worker.id());
        }
        Ok(Self { view: View { plan, subscription, counters, tasks }, workers, keeper, attendants })
    }

    /// Stops pulling: workers finish the message that they are at. What waits for a retry goes back to the transport, with
    /// the number of its attempt where that can be kept.
    pub(crate) fn stop(&self) {
        // In this order: who is held by the gate goes on once it is said that it stops, and must find nothing.
        self.view.subscription.close();
        self.view.plan.closing.cancel();
        self.view.plan.parking.close();
    }

    /// Stops, waits for the workers until the deadline, then cancels those that are left, whose deliveries go back to
    /// the transport. Says how many those were.
    pub(crate) async fn drain(&mut self, deadline: Instant) -> usize {
        self.stop();
        let deadline = if failpoint::is_broken(Sabotage::AbandonHandlers) { Instant::now() } else { deadline };
        let finished = async { while self.workers.join_next().await.is_some() {} };
        if failpoint::is_broken(Sabotage::NoDeadline) {
            finished.await;
        } else {
            // What is left is cancelled next, and counts itself.
            let _ = tokio::time::timeout_at(deadline, finished).await;
        }
        self.workers.shutdown().await;
        // One at least is let go whole: a copy that is half published would be there twice.
        let _ = tokio::time::timeout_at(deadline, self.keeper.join_next()).await;
        self.keeper.shutdown().await;
        self.view.plan.parking.give_back();
        self.attendants.shutdown().await;
        self.view.counters.iter().filter(|own| own.is_unfinished()).count()
    }

    /// What may be seen of it, and done to it, by those who don't own it.
    pub(crate) fn view(&self) -> View {
        self.view.clone()
    }
}

/// Runs a worker until its subscription closes.
///
/// No handler can make it panic. If something else does (an injected clock, a log that the program set up, a bug of ours),
/// the delivery that it held goes back to the transport, and the worker starts again: a subscription does not dry up.
async fn keep_working(start: fn(Worker) -> BoxFuture<'static, ()>, worker: Worker) {
    loop {
        let mut work = start(worker.clone());
        let ended = poll_fn(|task| match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(task))) {
            Ok(polled) => polled.map(|()| true),
            Err(_) => Poll::Ready(false),
        });
        if ended.await {
            return;
        }
        let subscriber = &worker.plan.receiver.subscriber;
        tracing::error!(%subscriber, "a worker panicked outside of its handler; it is started again");
    }
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer")
            .field("plan", &self.view.plan)
            .field("workers", &self.workers.len())
            .finish_non_exhaustive()
    }
}
