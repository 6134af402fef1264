//! The embedded transport: queues in this process, for development, tests and everything that needs no broker.
//!
//! ```
//! use swit_runtime::{message::Message, transport::{Publication, Queue, Transport}, transports::memory::{MemoryOptions, MemoryTransport}};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let transport = MemoryTransport::new("default", MemoryOptions::default());
//! transport.declare(&[Queue::subscriber("orders.confirm", ["order.*"])]).await?;
//! let receipt = transport.publisher().publish(Publication::new(Message::new("order.created", "{}"))).await?;
//! assert!(receipt.routed);
//! # Ok(()) }
//! ```
//!
//! It guarantees what the port asks for, within the life of the process: nothing here survives it. Queues are bounded
//! ([`MemoryOptions::capacity`]), except for dead-letter queues. Time is tokio's, so tests may pause it.

mod consumers;
mod core;
mod declare;
mod delayed;
mod hub;
mod inspect;
mod line;
#[cfg(test)]
mod model;
mod publish;
mod queue;
mod ready;
mod routes;
mod spares;
mod state;
mod subscription;
#[cfg(test)]
mod tests;
mod timer;
mod walk;

use std::sync::Arc;

use self::{core::Core, publish::MemoryPublisher, subscription::MemorySubscription};
use crate::{
    error::TransportError,
    text::Text,
    transport::{
        BoxFuture, Capabilities, Deleted, Inspect, Publish, Queue, SubscribeOptions, Subscription, Transport, Walker,
    },
};

/// How a memory transport is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryOptions {
    /// Most messages of a queue that are ready, delayed or handed out and unsettled, at least 1. Default 10,000.
    ///
    /// Copies that settlement makes ([`Room::Replaces`](crate::transport::Room)) may exceed it, and dead-letter queues
    /// have no bound.
    pub capacity: usize,
}

impl MemoryOptions {
    /// With this capacity of each queue.
    pub const fn with_capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self { capacity: 10_000 }
    }
}

/// Queues in this process.
///
/// It can be made outside of a runtime. Dropping it closes nothing: its publishers and subscriptions keep working until
/// [`close`](Transport::close) or until they are dropped too.
#[derive(Debug)]
pub struct MemoryTransport {
    core: Arc<Core>,
    publisher: Arc<MemoryPublisher>,
}

impl MemoryTransport {
    /// A transport of this name, without queues.
    pub fn new(name: impl Into<Text>, options: MemoryOptions) -> Self {
        let core = Arc::new(Core::new(name.into(), options));
        Self { publisher: Arc::new(MemoryPublisher(Arc::clone(&core))), core }
    }
}

impl Transport for MemoryTransport {
    fn name(&self) -> &str {
        &self.core.name
    }

    fn system(&self) -> &'static str {
        "memory"
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            patterns: true,
            delay: true,
            ttl: true,
            delayed_ttl: true,
            priority: true,
            reject: true,
            redelivery_count: true,
            backpressure: true,
            durable: false,
            inspect: true,
        }
    }

    fn connect(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async { self.core.open("connect") })
    }

    fn declare<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async { self.core.declare(queues) })
    }

    fn subscribe(&self, options: SubscribeOptions) -> BoxFuture<'_, Result<Arc<dyn Subscription>, TransportError>> {
        Box::pin(async move {
            let subscription: Arc<dyn Subscription> = Arc::new(MemorySubscription::start(&self.core, &options)?);
            Ok(subscription)
        })
    }

    fn withdraw<'a>(&'a self, queue: &'a Queue, with_messages: bool) -> BoxFuture<'a, Result<Deleted, TransportError>> {
        Box::pin(async move { self.core.withdraw(queue, with_messages) })
    }

    fn publisher(&self) -> Arc<dyn Publish> {
        Arc::clone(&self.publisher) as Arc<dyn Publish>
    }

    fn ready<'a>(&'a self, queues: &'a [Text]) -> BoxFuture<'a, Vec<Option<u64>>> {
        let ready = |queue: &Text| self.core.routes.queue(queue).map(|queue| queue.lying() as u64);
        let all = queues.iter().map(ready).collect();
        Box::pin(async { all })
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        Some(&*self.core)
    }

    fn walker(&self) -> Option<&dyn Walker> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.core.close())
    }
}
