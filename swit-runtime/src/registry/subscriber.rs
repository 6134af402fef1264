//! Subscribers as they were written.

use std::time::Duration;

use swit_grammar::{Backoff, subscriber::Keys};
pub use swit_grammar::{
    Batch as BatchSpec, Breaker, RateLimit,
    subscriber::{AckMode, Order},
};

use super::{CompositeRegistration, Location, MakeClassifier, MiddlewareRegistration};
use crate::{
    codec::Codec, event::EventDescriptor, extract::Requirements, pipeline::Worker, schema::Schema, transport::BoxFuture,
};

/// A subscriber, as its attribute and its function's signature say.
#[derive(Debug)]
pub struct SubscriberRegistration {
    /// Its name.
    pub name: &'static str,
    /// Its function's name.
    pub function: &'static str,
    /// Where it stands.
    pub location: Location,
    /// The keys of its attribute.
    pub spec: SubscriberSpec,
    /// The middleware that it lists, outermost first.
    pub middleware: &'static [&'static MiddlewareRegistration],
    /// The event types that its arguments read.
    pub events: fn(&mut Vec<EventDescriptor>),
    /// The event types that it may return.
    pub emits: fn(&mut Vec<EventDescriptor>),
    /// What its arguments require.
    pub requires: fn(&mut Requirements),
    /// Its worker's loop: `pipeline::start::<H>`.
    pub start: fn(Worker) -> BoxFuture<'static, ()>,
    /// Whose event handlers it runs, where it was declared by `composite!`.
    pub composite: Option<&'static CompositeRegistration>,
}

/// The keys of `#[subscriber]`, checked by the macro. `None` is «not written».
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SubscriberSpec {
    /// `topic`, `topics`; empty: the topics of the event type.
    pub topics: &'static [&'static str],
    /// `event`: other event types are acknowledged and counted as filtered.
    pub event: Option<&'static str>,
    /// `queue`: an existing queue.
    pub queue: Option<&'static str>,
    /// `group`.
    pub group: Group,
    /// `concurrency`.
    pub concurrency: u32,
    /// `prefetch`.
    pub prefetch: Option<u32>,
    /// `ordered`, `order_by`.
    pub order: Order,
    /// `ack`.
    pub ack: AckMode,
    /// `timeout`.
    pub timeout: Duration,
    /// `retries`.
    pub retries: Option<u32>,
    /// `backoff`.
    pub backoff: Option<Backoff>,
    /// `dead_letter`.
    pub dead_letter: DeadLetter,
    /// `enabled`.
    pub enabled: bool,
    /// `codec`.
    pub codec: Option<Codec>,
    /// `transport`.
    pub transport: &'static str,
    /// `classifier`.
    pub classifier: Option<MakeClassifier>,
    /// `circuit_breaker`.
    pub circuit_breaker: Option<BreakerSpec>,
    /// `rate_limit`.
    pub rate_limit: Option<RateLimit>,
    /// `validate = schema`.
    pub schema: Option<&'static Schema>,
    /// `batch`.
    pub batch: Option<BatchSpec>,
    /// `inbox`.
    pub inbox: bool,
}

/// `circuit_breaker`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreakerSpec {
    /// What opens and closes it.
    pub numbers: Breaker,
    /// `name`: the subscribers that name it share one breaker.
    pub name: Option<&'static str>,
}

impl SubscriberSpec {
    /// What `#[subscriber]` without keys says. Generated code updates this with what was written.
    pub const DEFAULT: Self = Self {
        topics: &[],
        event: None,
        queue: None,
        group: Group::Service,
        concurrency: 1,
        prefetch: None,
        order: Order::Unordered,
        ack: AckMode::Auto,
        timeout: crate::limits::DEFAULT_TIMEOUT,
        retries: None,
        backoff: None,
        dead_letter: DeadLetter::Default,
        enabled: true,
        codec: None,
        transport: "default",
        classifier: None,
        circuit_breaker: None,
        rate_limit: None,
        schema: None,
        batch: None,
        inbox: false,
    };

    /// The keys that must agree with each other, for the grammar's check.
    pub fn keys(&self) -> Keys<'static> {
        Keys {
            concurrency: self.concurrency,
            prefetch: self.prefetch,
            order: self.order,
            ack: self.ack,
            timeout: self.timeout,
            retries: self.retries,
            backoff: self.backoff,
            dead_letter: match self.dead_letter {
                DeadLetter::Queue(name) => Some(name),
                DeadLetter::Default | DeadLetter::Discard => None,
            },
            queue: self.queue,
            circuit_breaker: self.circuit_breaker.map(|spec| spec.numbers),
            rate_limit: self.rate_limit,
            batch: self.batch,
            inbox: self.inbox,
        }
    }
}

/// Who shares a subscriber's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Group {
    /// All instances of the service: the group is the service's name.
    Service,
    /// All that name this group.
    Named(&'static str),
    /// Nobody: every instance gets all.
    PerInstance,
}

/// What becomes of messages that are given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeadLetter {
    /// They go to `{group}.{name}.dlq`.
    Default,
    /// They go to this queue.
    Queue(&'static str),
    /// They are discarded, logged and counted: `dead_letter = false`.
    Discard,
}

/// What inventory collects.
#[derive(Debug)]
pub struct SubscriberRef(pub &'static SubscriberRegistration);

inventory::collect!(SubscriberRef);
