//! The consuming side: polls, verdicts and what they do to the queue.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::watch;

use super::{consumers::Consumer, core::Core, queue::Queue, ready::Entry};
use crate::{
    error::TransportError,
    message::Message,
    transport::{Delivery, Settle, SubscribeOptions, Subscription, SubscriptionState, Verdict},
};

/// A subscription to a queue of a memory transport.
#[derive(Debug)]
pub(super) struct MemorySubscription {
    core: Arc<Core>,
    queue: Arc<Queue>,
    consumer: u64,
    no_ack: bool,
    /// Where verdicts go, one a worker: workers on different threads must not share a reference count.
    sinks: Vec<Arc<Sink>>,
    status: watch::Sender<SubscriptionState>,
}

impl MemorySubscription {
    pub(super) fn start(core: &Arc<Core>, options: &SubscribeOptions) -> Result<Self, TransportError> {
        core.open("subscribe")?;
        let missing =
            || core.error("subscribe", format!("the queue `{}` does not exist; declare it first", options.queue));
        let queue = core.routes.queue(&options.queue).ok_or_else(missing)?;
        let consumer = core.hub.number();
        if !queue.add_consumer(Consumer::new(consumer, options.prefetch, options.workers)) {
            core.open("subscribe")?;
            return Err(missing());
        }
        core.hub.timer.ensure_started();
        let sink = || {
            let (core, queue) = (Arc::clone(core), Arc::clone(&queue));
            Arc::new(Sink { core, queue, consumer, no_ack: options.no_ack })
        };
        let status = watch::Sender::new(SubscriptionState::Consuming);
        let sinks = (0..options.workers.max(1)).map(|_| sink()).collect();
        Ok(Self { core: Arc::clone(core), queue, consumer, no_ack: options.no_ack, sinks, status })
    }

    fn set(&self, paused: bool) {
        let now = if paused { SubscriptionState::Paused } else { SubscriptionState::Consuming };
        self.status.send_if_modified(|status| {
            let changes = *status != now && *status != SubscriptionState::Closed;
            if changes {
                *status = now;
                self.queue.pause_consumer(self.consumer, paused);
            }
            changes
        });
    }
}

impl Subscription for MemorySubscription {
    #[inline]
    fn poll_next(&self, worker: usize, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let next = self.queue.poll(self.consumer, worker, self.no_ack, cx);
        next.map(|next| next.map(|entry| delivery(entry, Arc::clone(&self.sinks[worker % self.sinks.len()]) as _)))
    }

    #[inline]
    fn poll_next_after(&self, done: Delivery, worker: usize, cx: &mut Context<'_>) -> Poll<Option<Delivery>> {
        let (sink, tag, message) = match done.take_apart(&self.sinks[worker % self.sinks.len()]) {
            Ok(parts) => parts,
            Err(done) => {
                done.settle(Verdict::Ack);
                return self.poll_next(worker, cx);
            }
        };
        self.queue.exchange(self.consumer, worker, tag, message, cx).map(|next| next.map(|entry| delivery(entry, sink)))
    }

    fn busy(&self, worker: usize) {
        self.queue.busy(self.consumer, worker);
    }

    fn status(&self) -> watch::Receiver<SubscriptionState> {
        self.status.subscribe()
    }

    fn pause(&self) {
        self.set(true);
    }

    fn resume(&self) {
        self.set(false);
    }

    fn close(&self) {
        self.status.send_replace(SubscriptionState::Closed);
        if self.queue.remove_consumer(self.consumer) {
            self.core.routes.remove(&self.queue);
        }
    }
}

/// Verdicts come back with the generation, which here tells how often the message came back before.
#[inline]
fn delivery(entry: Entry, sink: Arc<dyn Settle>) -> Delivery {
    Delivery::new(entry.message, entry.redeliveries, sink, entry.tag, entry.redeliveries)
}

impl Drop for MemorySubscription {
    fn drop(&mut self) {
        self.close();
    }
}

/// Takes the verdicts on one worker's deliveries.
#[derive(Debug)]
struct Sink {
    core: Arc<Core>,
    queue: Arc<Queue>,
    consumer: u64,
    no_ack: bool,
}

impl Settle for Sink {
    #[inline]
    fn settle(&self, tag: u64, redeliveries: u32, verdict: Verdict, message: Arc<Message>) {
        if self.no_ack {
            return;
        }
        match verdict {
            Verdict::Ack => self.queue.forget(self.consumer, tag, message),
            Verdict::Requeue => self.queue.put_back(self.consumer, tag, redeliveries, message),
            Verdict::Reject => {
                // In the dead-letter queue before it is out of this one, so that it is nowhere at no time.
                if let Some(name) = &self.queue.declared.dead_letter
                    && let Some(dead_letters) = self.core.routes.queue(name)
                {
                    dead_letters.put_anyway(message.clone(), std::time::Duration::ZERO);
                }
                self.queue.forget(self.consumer, tag, message);
            }
        }
    }

    fn give_back(&self, tag: u64, redeliveries: u32, message: Arc<Message>) {
        if !self.no_ack {
            self.queue.put_back(self.consumer, tag, redeliveries.saturating_add(1), message);
        }
    }
}
