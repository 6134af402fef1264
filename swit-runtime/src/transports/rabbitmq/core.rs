//! What the parts of one RabbitMQ transport share.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use lapin::ErrorKind;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    declare::Declaring,
    link::{Link, PATIENCE, Up, describe},
    options::{QueueKind, RabbitMqOptions},
    subscription::Inner,
};
use crate::{error::TransportError, text::Text, transport::Queue};

/// The connections of a transport and what was declared over them.
#[derive(Debug)]
pub(super) struct Core {
    pub(super) name: Text,
    pub(super) options: RabbitMqOptions,
    /// Deliveries and acknowledgements. A broker that blocks publishers leaves it alone.
    pub(super) consume: Arc<Link>,
    pub(super) publish: Arc<Link>,
    /// Cancelled when the transport is closed: nothing new begins.
    pub(super) closing: CancellationToken,
    /// Cancelled when its connections are to end.
    pub(super) ending: CancellationToken,
    /// The supervisors of subscriptions.
    pub(super) subscriptions: TaskTracker,
    /// The task that publishes.
    pub(super) sender: TaskTracker,
    /// The subscriptions of this transport.
    subscribed: Mutex<Vec<Weak<Inner>>>,
    /// What is to be there, so that it can be made again.
    declared: Mutex<HashMap<Text, Queue>>,
}

impl Core {
    pub(super) fn new(name: Text, options: RabbitMqOptions) -> Self {
        let ending = CancellationToken::new();
        let link = |purpose| Arc::new(Link::new(name.clone(), purpose, options.clone(), ending.clone()));
        Self {
            consume: link("consume"),
            publish: link("publish"),
            closing: CancellationToken::new(),
            ending,
            subscriptions: TaskTracker::new(),
            sender: TaskTracker::new(),
            subscribed: Mutex::default(),
            declared: Mutex::default(),
            name,
            options,
        }
    }

    /// Adds a subscription, after those of the same queue that were closed before it have given back what lay with them:
    /// so it goes on where they stopped.
    pub(super) async fn succeed(&self, inner: &Arc<Inner>) {
        let mut closed: Vec<Arc<Inner>> = Vec::new();
        {
            let mut subscribed = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
            subscribed.retain(|known| known.strong_count() > 0);
            closed.extend(subscribed.iter().filter_map(Weak::upgrade));
            subscribed.push(Arc::downgrade(inner));
        }
        closed.retain(|known| known.options.queue == inner.options.queue && known.closing.is_cancelled());
        for closed in closed {
            // It ends by itself; if its broker does not answer, neither would the next one's.
            let _ = tokio::time::timeout(PATIENCE, closed.returned.cancelled()).await;
        }
    }

    pub(super) fn remember(&self, queues: &[Queue]) {
        let mut declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        declared.extend(queues.iter().map(|queue| (queue.name.clone(), queue.clone())));
    }

    /// Forgets a queue that is taken back, so that nobody makes it again.
    pub(super) fn forget(&self, name: &str) {
        self.declared.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }

    /// Makes a queue again that was declared before and is gone. False: it was not, or it can't be made.
    pub(super) async fn declare_again(&self, name: &Text) -> bool {
        let queue = self.declared.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let Some(queue) = queue.filter(|queue| !queue.existing && self.options.declare) else { return false };
        self.declare(&[queue]).await.is_ok()
    }

    /// Makes again what publishing needs and somebody deleted: the exchanges, and with their bindings the queues that were
    /// declared. That of one instance alone only while it is subscribed to: it went with its subscription.
    pub(super) async fn restore(&self, up: &Up) -> Result<(), lapin::Error> {
        let mut queues: Vec<Queue> = {
            let declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
            declared.values().filter(|queue| !queue.existing).cloned().collect()
        };
        {
            let subscribed = self.subscribed.lock().unwrap_or_else(PoisonError::into_inner);
            let live: Vec<Arc<Inner>> = subscribed.iter().filter_map(Weak::upgrade).collect();
            let is_live = |name: &Text| live.iter().any(|i| i.options.queue == *name && !i.closing.is_cancelled());
            queues.retain(|queue| !queue.exclusive || is_live(&queue.name));
        }
        let declaring = Declaring::on(up, &self.options).await?;
        declaring.exchanges().await?;
        for queue in &queues {
            declaring.queue_with_bindings(queue).await?;
        }
        declaring.close().await;
        Ok(())
    }

    /// Whether the broker counts how often it delivers a message of this queue: it does in quorum queues, and what was
    /// not made here may be of any kind.
    pub(super) fn counts(&self, name: &Text) -> bool {
        let declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        self.options.queues == QueueKind::Quorum && declared.get(name).is_some_and(|queue| !queue.existing)
    }

    /// Whether a queue has one active consumer at a time.
    pub(super) fn is_single_active(&self, name: &Text) -> bool {
        let declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        declared.get(name).is_some_and(|queue| queue.single_active)
    }

    /// A queue that belongs to this instance alone, and ends with it.
    pub(super) fn own(&self, name: &Text) -> Option<Queue> {
        let declared = self.declared.lock().unwrap_or_else(PoisonError::into_inner);
        declared.get(name).filter(|queue| queue.exclusive).cloned()
    }

    /// Whether a queue is there, asked of the broker.
    pub(super) async fn exists(&self, name: &Text) -> Result<(), TransportError> {
        let Some(up) = self.consume.up().await else { return Err(self.closed("subscribe")) };
        let found = async {
            let declaring = Declaring::on(&up, &self.options).await?;
            declaring.queue_exists(name).await?;
            declaring.close().await;
            Ok(())
        };
        found.await.map_err(|error| self.failed("subscribe", name, &error))
    }

    pub(super) fn closed(&self, operation: &'static str) -> TransportError {
        TransportError::new(self.name.clone(), operation, "the transport is closed")
    }

    /// An error of the client library, about this thing, with what to do about it.
    pub(super) fn failed(&self, operation: &'static str, what: &str, error: &lapin::Error) -> TransportError {
        let said = describe(error);
        let code = match error.kind() {
            ErrorKind::ProtocolError(error) => error.get_id(),
            _ => 0,
        };
        let help = match code {
            404 => "; it does not exist: declare it, or correct its name",
            405 => "; it belongs to another connection",
            406 => "; it exists with other properties: delete or rename it, or configure what is there",
            403 => "; the user may not do this: grant it, or let `declare = false` use what is there",
            _ => "",
        };
        let reason = format!("`{what}`: {said}{help}");
        let failed = TransportError::new(self.name.clone(), operation, reason).caused_by(error.clone());
        if code == 0 { failed.retryable() } else { failed }
    }
}
