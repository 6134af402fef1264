//! RabbitMQ, over AMQP 0-9-1: quorum queues, confirmed publishing, and consumers that come back after anything.
//!
//! ```no_run
//! use swit_runtime::{transport::Transport, transports::rabbitmq::{Address, RabbitMqOptions, RabbitMqTransport}};
//!
//! # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
//! let address = Address::parse("amqp://guest:guest@localhost:5672", false)?;
//! let transport = RabbitMqTransport::new("default", RabbitMqOptions::new(address));
//! transport.connect().await?;
//! # Ok(()) }
//! ```
//!
//! # What stands on the broker
//!
//! | what | for |
//! |---|---|
//! | topic exchange `swit.events` | events, by their topics |
//! | queue `{group}.{name}` | a subscriber's messages |
//! | queue `{group}.{name}.dlq` | its dead letters |
//! | queues `{queue}.retry.{delay}` | copies that wait for their next attempt; made when first needed |
//! | exchanges `swit.dead`, `swit.events.due`, exchange and queue `swit.discarded` | the broker's own dead letters, delayed events that are due, and what neither finds a queue for |
//!
//! # What is guaranteed
//!
//! - A publication that was answered `Ok` is in the hands of the broker, persistent, in every queue that takes it.
//! - A delivery is acknowledged only by its own verdict (`window`), and on its own channel (`subscription`).
//! - Whatever ends a channel or a connection, what was built on it is built anew (`link`, `supervisor`).

mod administration;
mod core;
mod declare;
mod decode;
mod delays;
mod encode;
mod ended;
mod idle;
mod link;
mod names;
mod options;
mod outlet;
mod publish;
mod returns;
mod route;
mod session;
mod subscription;
mod supervisor;
mod wanted;
mod window;

use std::{sync::Arc, time::Duration};

use tokio::sync::{oneshot, watch};

pub use self::{
    administration::{Management, ManagementError},
    options::{Address, AddressError, QueueKind, RabbitMqOptions, Tls},
};
use self::{
    core::Core,
    outlet::Outlet,
    subscription::{Inner, RabbitMqSubscription},
};
use crate::{
    error::TransportError,
    text::Text,
    transport::{
        BoxFuture, Capabilities, ConnectionState, Deleted, Provision, Publish, Queue, Status, SubscribeOptions,
        Subscription, Transport, Walker,
    },
};

/// How long acknowledgements may take when the transport is closed.
const CLOSING: Duration = Duration::from_secs(2);

/// A RabbitMQ broker, or a cluster of them behind one address.
#[derive(Debug)]
pub struct RabbitMqTransport {
    core: Arc<Core>,
    outlet: Arc<Outlet>,
}

impl RabbitMqTransport {
    /// A transport of this name, not connected yet.
    pub fn new(name: impl Into<Text>, options: RabbitMqOptions) -> Self {
        Self { core: Arc::new(Core::new(name.into(), options)), outlet: Arc::default() }
    }
}

impl Transport for RabbitMqTransport {
    fn name(&self) -> &str {
        &self.core.name
    }

    fn system(&self) -> &'static str {
        "rabbitmq"
    }

    fn exchange(&self) -> Option<&str> {
        Some(&self.core.options.exchange)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            patterns: true,
            delay: true,
            ttl: true,
            // The broker lets a message expire where it waits, and delivers it then.
            delayed_ttl: false,
            // Quorum queues of RabbitMQ before 4.0 know none.
            priority: false,
            reject: true,
            redelivery_count: self.core.options.queues == QueueKind::Quorum,
            // Queues have no bound unless the broker's policies give them one.
            backpressure: false,
            durable: true,
            inspect: false,
        }
    }

    fn ack_limit(&self) -> Option<Duration> {
        Some(self.core.options.ack_limit)
    }

    fn connect(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async {
            if self.core.closing.is_cancelled() {
                return Err(self.core.closed("connect"));
            }
            self.core.consume.connect().await?;
            self.core.publish.connect().await?;
            self.core.sender.spawn(publish::run(Arc::clone(&self.core), Arc::clone(&self.outlet)));
            Ok(())
        })
    }

    fn declare<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(self.core.declare(queues))
    }

    fn subscribe(&self, options: SubscribeOptions) -> BoxFuture<'_, Result<Arc<dyn Subscription>, TransportError>> {
        Box::pin(async move {
            if self.core.closing.is_cancelled() {
                return Err(self.core.closed("subscribe"));
            }
            // A queue that was never there is an error; one that goes away later is made again.
            self.core.exists(&options.queue).await?;
            let inner = Inner::new(options, self.core.closing.child_token());
            self.core.succeed(&inner).await;
            let subscription: Arc<dyn Subscription> = Arc::new(RabbitMqSubscription(Arc::clone(&inner)));
            let (opened, answer) = oneshot::channel();
            self.core.subscriptions.spawn(supervisor::run(Arc::clone(&self.core), inner, opened));
            answer.await.unwrap_or_else(|_| Err(self.core.closed("subscribe")))?;
            Ok(subscription)
        })
    }

    fn withdraw<'a>(&'a self, queue: &'a Queue, with_messages: bool) -> BoxFuture<'a, Result<Deleted, TransportError>> {
        Box::pin(administration::withdraw(&self.core, queue, with_messages))
    }

    fn publisher(&self) -> Arc<dyn Publish> {
        Arc::clone(&self.outlet) as Arc<dyn Publish>
    }

    fn ready<'a>(&'a self, queues: &'a [Text]) -> BoxFuture<'a, Vec<Option<u64>>> {
        Box::pin(administration::ready(&self.core, queues))
    }

    fn status(&self) -> Vec<watch::Receiver<Status>> {
        vec![self.core.consume.status(), self.core.publish.status()]
    }

    fn provision(&self) -> Option<&dyn Provision> {
        Some(self)
    }

    fn walker(&self) -> Option<&dyn Walker> {
        Some(self)
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.core.closing.cancel();
            self.outlet.close();
            let (sender, subscriptions) = (&self.core.sender, &self.core.subscriptions);
            sender.close();
            subscriptions.close();
            // What stands ends what it is at: confirmations and acknowledgements. What is lost or blocked can't.
            let mut link = self.core.publish.status();
            let confirmed = async {
                tokio::select! {
                    () = sender.wait() => {}
                    _ = link.wait_for(|status| status.state != ConnectionState::Connected) => {}
                }
            };
            let acknowledged = tokio::time::timeout(CLOSING, subscriptions.wait());
            let _ = tokio::join!(confirmed, acknowledged);
            self.core.ending.cancel();
            self.outlet.refuse_all();
            sender.wait().await;
            subscriptions.wait().await;
            self.core.consume.ended().await;
            self.core.publish.ended().await;
        })
    }
}
