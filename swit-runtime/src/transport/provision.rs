//! What a service needs on a broker against what is there: compared, made, and cleared of what was left behind.

use std::fmt;

use super::{BoxFuture, Queue};
use crate::{error::TransportError, text::Text};

/// Compares, makes and removes what queues need on a broker, where a transport's queues outlive its service: what
/// `topology` is made of.
pub trait Provision: Send + Sync {
    /// Compares what this service wants with what is there. Changes nothing.
    ///
    /// `queues` are all queues of the service on this transport. Exclusive ones are passed over: they come and go with
    /// their instance. Whatever is `known` was not left behind. What could not be looked at is named in
    /// [`Comparison::unchecked`], never passed over silently.
    fn compare<'a>(
        &'a self,
        service: &'a str,
        queues: &'a [Queue],
        known: &'a Known,
    ) -> BoxFuture<'a, Result<Comparison, TransportError>>;

    /// Makes what is missing, also where the transport itself is told to make nothing: somebody asked.
    ///
    /// # Errors
    /// Something exists and differs, or a [`Queue::existing`] one does not exist.
    fn make<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Removes a binding. Removing what is not there changes nothing.
    fn unbind<'a>(&'a self, binding: &'a Binding) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Deletes a queue that nobody consumes, and that is empty unless `with_messages`. What is true when it is deleted
    /// counts, not what a comparison saw before.
    fn delete<'a>(
        &'a self,
        queue: &'a LeftQueue,
        with_messages: bool,
    ) -> BoxFuture<'a, Result<Deleted, TransportError>>;
}

/// The queues that a service uses in some configuration of it: on whichever transport, since two may be one broker; of
/// disabled subscribers too, since another role of the same binary consumes them; existing ones too, that others made.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Known {
    /// Their names.
    pub queues: Vec<Text>,
    /// Of those that belong to one instance, what their names begin with: `orders.all` of `orders.all.host-1`.
    pub per_instance: Vec<Text>,
}

impl Known {
    /// Queues of these names.
    pub fn new(queues: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        Self { queues: queues.into_iter().map(Into::into).collect(), per_instance: Vec::new() }
    }

    /// And queues of single instances, whose names begin so, and go on with a dot and the instance.
    pub fn with_per_instance(mut self, beginnings: impl IntoIterator<Item = impl Into<Text>>) -> Self {
        self.per_instance.extend(beginnings.into_iter().map(Into::into));
        self
    }

    /// Whether a queue is one of them.
    pub fn has(&self, queue: &str) -> bool {
        self.queues.iter().any(|known| *known == *queue)
    }

    /// Whether a queue is named like one of a single instance.
    pub fn is_of_an_instance(&self, queue: &str) -> bool {
        let is_its = |rest: &str| rest.strip_prefix('.').is_some_and(|instance| !instance.is_empty());
        self.per_instance.iter().any(|beginning| queue.strip_prefix(beginning.as_str()).is_some_and(is_its))
    }
}

/// What is there, against what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Comparison {
    /// What is not there: it would be made.
    pub missing: Vec<Thing>,
    /// What is there, but not as it is wanted. It can't be changed, only deleted or named otherwise.
    pub differing: Vec<Difference>,
    /// Bindings of this service's queues that it wants no more.
    pub stale: Vec<Binding>,
    /// Queues of this service that it wants no more.
    pub left: Vec<LeftQueue>,
    /// What could not be looked at, and why.
    pub unchecked: Vec<String>,
    /// How many things are there as they are wanted.
    pub present: usize,
}

/// Something on a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Thing {
    /// An exchange.
    Exchange(Text),
    /// A queue.
    Queue(Text),
    /// A binding.
    Binding(Binding),
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exchange(name) => write!(f, "exchange {name}"),
            Self::Queue(name) => write!(f, "queue {name}"),
            Self::Binding(binding) => write!(f, "binding {binding}"),
        }
    }
}

/// Something that is not as it is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// What.
    pub thing: Thing,
    /// What is different, in the broker's words.
    pub what: String,
}

impl Difference {
    /// A difference.
    pub fn new(thing: Thing, what: impl Into<String>) -> Self {
        Self { thing, what: what.into() }
    }
}

/// What brings an exchange's messages into a queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Binding {
    /// The queue.
    pub queue: Text,
    /// The exchange.
    pub exchange: Text,
    /// The topic or pattern.
    pub key: Text,
}

impl Binding {
    /// A binding.
    pub fn new(queue: impl Into<Text>, exchange: impl Into<Text>, key: impl Into<Text>) -> Self {
        Self { queue: queue.into(), exchange: exchange.into(), key: key.into() }
    }
}

impl fmt::Display for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} <- {} ({})", self.queue, self.exchange, self.key)
    }
}

/// A queue that an earlier deployment left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LeftQueue {
    /// Its name.
    pub name: Text,
    /// Messages that it holds. Brokers count with some seconds' delay.
    pub messages: u64,
    /// Who still consumes it: an older version of the service, perhaps.
    pub consumers: u64,
    /// What still puts messages into it.
    pub bindings: Vec<Binding>,
    /// Another service's queue may be named like it: `orders.eu.audit` is a queue of `orders` or of `orders.eu`.
    pub is_doubtful: bool,
}

impl LeftQueue {
    /// An empty queue of this name that nobody uses.
    pub fn new(name: impl Into<Text>) -> Self {
        Self { name: name.into(), messages: 0, consumers: 0, bindings: Vec::new(), is_doubtful: false }
    }
}

/// What became of a queue that was to be deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Deleted {
    /// It is gone, and this many messages with it.
    Gone(u64),
    /// It holds messages now; it was left as it is.
    HoldsMessages(u64),
    /// Somebody consumes it; it was left as it is.
    IsConsumed,
}
