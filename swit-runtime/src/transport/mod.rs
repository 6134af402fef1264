//! The port to a broker: what every transport owes, operation by operation.
//!
//! A transport moves messages; it knows nothing of handlers, retries or dead-letter policy. The engine asks it to
//! declare queues, to hand out deliveries and to take publications, and tells it one verdict a delivery.
//! `transport_conformance!` is this contract as tests; a transport runs those that its [`Capabilities`] claim.

mod capabilities;
mod delivery;
mod provision;
mod publish;
mod status;
mod topology;
mod waiting;
mod walk;

use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

pub use capabilities::Capabilities;
pub use delivery::{Delivery, Settle, Verdict};
pub use provision::{Binding, Comparison, Deleted, Difference, Known, LeftQueue, Provision, Thing};
pub use publish::{Publication, Publish, Publishing, Receipt, Room, Target};
pub use status::{ConnectionState, Status, SubscriptionState};
pub use topology::{Queue, QueueRole};
pub(crate) use waiting::Waiting;
pub use walk::{Death, Lying, Place, Walk, Walker};

use tokio::sync::watch;

use crate::{error::TransportError, message::Message, text::Text};

/// A boxed future that may move between threads.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A connection to a broker, or the embedded one.
pub trait Transport: Send + Sync + fmt::Debug {
    /// The name that it is configured under (`default`).
    fn name(&self) -> &str;

    /// The messaging system's name, as OpenTelemetry spells it (`rabbitmq`, `memory`).
    fn system(&self) -> &'static str;

    /// The exchange that topics are published to, where there is one: spans name it.
    fn exchange(&self) -> Option<&str> {
        None
    }

    /// What it can do. What it claims, the conformance suite checks.
    fn capabilities(&self) -> Capabilities;

    /// How long a delivery may be held unsettled, where the broker minds.
    fn ack_limit(&self) -> Option<Duration> {
        None
    }

    /// Connects, where there is something to connect to.
    fn connect(&self) -> BoxFuture<'_, Result<(), TransportError>>;

    /// Makes the queues exist with their bindings, dead-letter queues among them.
    ///
    /// Declaring what is there already with the same properties changes nothing. Messages published from the moment
    /// this returns wait in the queues that take them, whether or not somebody consumes.
    ///
    /// # Errors
    /// A queue exists with other properties, or a [`Queue::existing`] one does not exist.
    fn declare<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Starts to consume a declared queue.
    ///
    /// # Errors
    /// The queue does not exist, or the transport is closed.
    fn subscribe(&self, options: SubscribeOptions) -> BoxFuture<'_, Result<Arc<dyn Subscription>, TransportError>>;

    /// Takes a subscriber's queue back that this transport declared: what brings messages into it, the queue, and what
    /// waits there for a retry. The dead-letter queue stays, with all that lies in it.
    ///
    /// A queue that somebody consumes is left as it is; so is one that holds messages, waiting ones among them, unless
    /// `with_messages`. What is not there is gone already.
    ///
    /// # Errors
    /// The transport makes no queues (`declare = false`), is closed, or can't.
    fn withdraw<'a>(&'a self, queue: &'a Queue, with_messages: bool) -> BoxFuture<'a, Result<Deleted, TransportError>> {
        let _ = with_messages;
        let reason =
            format!("this transport can't delete the queue `{}`; delete it by the broker's own means", queue.name);
        let error = TransportError::new(self.name(), "withdraw", reason);
        Box::pin(async { Err(error) })
    }

    /// Where publications go in.
    fn publisher(&self) -> Arc<dyn Publish>;

    /// How its connections are, to be watched. One that has none to lose is always connected.
    fn status(&self) -> Vec<watch::Receiver<Status>> {
        vec![status::constant(Status::new(ConnectionState::Connected))]
    }

    /// How many messages lie ready in each of these queues, that is, were handed to nobody yet; `None`: there is no such
    /// queue, or it can't be said now.
    ///
    /// For those who watch a service, again and again: it must be cheap, take nothing out, and keep nobody from
    /// consuming or publishing. Cancel-safe; it may be cancelled because it takes too long.
    fn ready<'a>(&'a self, queues: &'a [Text]) -> BoxFuture<'a, Vec<Option<u64>>> {
        let unknown = vec![None; queues.len()];
        Box::pin(async { unknown })
    }

    /// What lies in the queues, where the transport can tell.
    fn inspect(&self) -> Option<&dyn Inspect> {
        None
    }

    /// Compares what a service wants with what is on the broker. `None`: its queues live and die with the process.
    fn provision(&self) -> Option<&dyn Provision> {
        None
    }

    /// Walks over what lies in queues, where the transport can.
    fn walker(&self) -> Option<&dyn Walker> {
        None
    }

    /// Waits for what was published to be confirmed, then disconnects. Deliveries that are still held are given back.
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// What a consumer wants of a queue.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct SubscribeOptions {
    /// The queue.
    pub queue: Text,
    /// The subscriber's name, for the broker's consumer tag and for logs.
    pub subscriber: Text,
    /// Most deliveries that are handed out and not yet settled; at least 1.
    pub prefetch: u32,
    /// How many workers poll, numbered from 0.
    pub workers: usize,
    /// Deliveries count as acknowledged when they are handed out; their verdicts do nothing.
    pub no_ack: bool,
    /// Order matters: after an interruption nothing is handed out before all that was out before it is settled.
    pub ordered: bool,
}

impl SubscribeOptions {
    /// Consumes `queue` with one worker and this prefetch.
    pub fn new(queue: impl Into<Text>, subscriber: impl Into<Text>, prefetch: u32) -> Self {
        Self { queue: queue.into(), subscriber: subscriber.into(), prefetch, workers: 1, no_ack: false, ordered: false }
    }

    /// With this many workers.
    pub fn with_workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// Acknowledged when handed out.
    pub fn with_no_ack(mut self) -> Self {
        self.no_ack = true;
        self
    }

    /// In order, over interruptions too.
    pub fn with_ordered(mut self) -> Self {
        self.ordered = true;
        self
    }
}

/// Deliveries of one queue.
pub trait Subscription: Send + Sync + fmt::Debug {
    /// The next delivery for this worker, `None` once the subscription is closed.
    ///
    /// Several workers poll at once, each under its own number; a worker's last waker is kept and woken when there may
    /// be something for it; a worker that was woken polls again, or what it was woken for waits for it. Cancel-safe: a poll that is not `Ready` took nothing. It must not spend tokio's
    /// cooperative budget: the caller does.
    fn poll_next(&self, worker: usize, cx: &mut Context<'_>) -> Poll<Option<Delivery>>;

    /// Acknowledges a delivery of this subscription that is done, then polls: what a worker does most of the time, as
    /// one call, so that a transport may do it in one step.
    fn poll_next_after(&self, done: Delivery, worker: usize, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        done.settle(Verdict::Ack);
        self.poll_next(worker, cx)
    }

    /// Says that a worker has taken up something else and will not poll for a while: a wake-up that was meant for it,
    /// now or later, is for another worker.
    fn busy(&self, worker: usize);

    /// How it is, to be watched. One that nothing can interrupt is always consuming.
    fn status(&self) -> watch::Receiver<SubscriptionState> {
        status::constant(SubscriptionState::Consuming)
    }

    /// How many verdicts came too late: their connection was gone, and their messages are delivered again.
    fn stale(&self) -> u64 {
        0
    }

    /// Stops handing out until [`resume`](Self::resume): every poll from now on waits. Deliveries that are out can still be
    /// settled.
    ///
    /// It may last for days, so nothing is held for its sake: what was fetched for this consumer and not handed out goes
    /// back to the queue, once, in its order, where others may consume it. Pausing what is paused, or closed, changes
    /// nothing. It never waits; a connection that is lost meanwhile comes back paused.
    /// Workers keep away by themselves; a transport that fetches nothing ahead has nothing to do.
    fn pause(&self) {}

    /// Hands out again. Resuming what is not paused changes nothing.
    fn resume(&self) {}

    /// Stops handing out: every poll from now on answers `None`. Deliveries that are out can still be settled.
    fn close(&self);
}

/// What lies in the queues of a transport that can tell.
pub trait Inspect: Send + Sync {
    /// Messages of a queue that are ready, delayed or handed out and unsettled; `None` if there is no such queue.
    fn depth(&self, queue: &str) -> Option<usize>;

    /// Copies of the messages that lie ready in a queue, first to last, at most `limit`; nothing is taken.
    fn browse(&self, queue: &str, limit: usize) -> Vec<Message>;

    /// The names of all queues, sorted.
    fn queues(&self) -> Vec<Text>;

    /// Resolves when no queue that somebody consumes holds anything: ready, delayed or unsettled.
    fn quiet(&self) -> BoxFuture<'_, ()>;
}
