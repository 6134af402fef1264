//! What the testing kit writes down: every attempt, every publication.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::{
    context::{Context, Receiver},
    error::TransportError,
    id::MessageId,
    message::Message,
    middleware::{Middleware, Next, Watch},
    outcome::{FailureKind, Outcome},
    text::Text,
    transport::{
        BoxFuture, Capabilities, Deleted, Inspect, Publication, Publish, Publishing, Queue, SubscribeOptions,
        Subscription, Target, Transport, Walker,
    },
    transports::memory::{MemoryOptions, MemoryTransport},
};

/// An attempt of a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Call {
    /// The message.
    pub message_id: MessageId,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// How it ended.
    pub ending: Ending,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// It runs still, or a panic, its timeout or the shutdown ended it.
    Interrupted,
    /// It succeeded.
    Success,
    /// It failed with this error.
    Failed(String),
    /// It was discarded for this reason.
    Discarded(String),
}

#[derive(Debug, Default)]
pub(super) struct Recorded {
    calls: Mutex<Vec<(Text, Call)>>,
    published: Mutex<Vec<Message>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Recorded {
    pub(super) fn calls(&self, subscriber: &str) -> Vec<Call> {
        lock(&self.calls).iter().filter(|(name, _)| *name == *subscriber).map(|(_, call)| call.clone()).collect()
    }

    pub(super) fn published(&self) -> Vec<Message> {
        lock(&self.published).clone()
    }
}

/// The outermost middleware: writes every attempt down.
pub(super) struct Observer(pub(super) Arc<Recorded>);

impl Middleware for Observer {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            let call = Call { message_id: cx.message().id.clone(), attempt: cx.attempt(), ending: Ending::Interrupted };
            let index = {
                let mut calls = lock(&self.0.calls);
                calls.push((cx.receiver().subscriber.clone(), call));
                calls.len() - 1
            };
            let outcome = next.run(cx).await;
            if let Some((_, call)) = lock(&self.0.calls).get_mut(index) {
                call.ending = ending_of(&outcome);
            }
            outcome
        })
    }

    fn watch(&self) -> Option<&dyn Watch> {
        Some(self)
    }
}

impl Watch for Observer {
    fn attempted(&self, receiver: &Receiver, message: &Message, attempt: u32, outcome: &Outcome) {
        let is_cut = matches!(outcome, Outcome::Failed(failure) if matches!(failure.kind(), FailureKind::Panic | FailureKind::Timeout));
        let ending = if is_cut { Ending::Interrupted } else { ending_of(outcome) };
        let call = Call { message_id: message.id.clone(), attempt, ending };
        lock(&self.0.calls).push((receiver.subscriber.clone(), call));
    }
}

fn ending_of(outcome: &Outcome) -> Ending {
    match outcome {
        Outcome::Success => Ending::Success,
        Outcome::Failed(failure) => Ending::Failed(failure.text()),
        Outcome::Discarded(reason) => Ending::Discarded(reason.to_string()),
    }
}

/// A memory transport that writes down what is published to topics.
#[derive(Debug)]
pub(super) struct RecordingTransport {
    inner: MemoryTransport,
    recorded: Arc<Recorded>,
}

impl RecordingTransport {
    pub(super) fn new(name: &str, recorded: Arc<Recorded>) -> Self {
        Self { inner: MemoryTransport::new(name, MemoryOptions::default()), recorded }
    }
}

impl Transport for RecordingTransport {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn system(&self) -> &'static str {
        self.inner.system()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn connect(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.inner.connect()
    }

    fn declare<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.inner.declare(queues)
    }

    fn subscribe(&self, options: SubscribeOptions) -> BoxFuture<'_, Result<Arc<dyn Subscription>, TransportError>> {
        self.inner.subscribe(options)
    }

    fn withdraw<'a>(&'a self, queue: &'a Queue, with_messages: bool) -> BoxFuture<'a, Result<Deleted, TransportError>> {
        self.inner.withdraw(queue, with_messages)
    }

    fn publisher(&self) -> Arc<dyn Publish> {
        Arc::new(RecordingPublish { inner: self.inner.publisher(), recorded: self.recorded.clone() })
    }

    fn ready<'a>(&'a self, queues: &'a [Text]) -> BoxFuture<'a, Vec<Option<u64>>> {
        self.inner.ready(queues)
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.inner.inspect()
    }

    fn walker(&self) -> Option<&dyn Walker> {
        self.inner.walker()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

#[derive(Debug)]
struct RecordingPublish {
    inner: Arc<dyn Publish>,
    recorded: Arc<Recorded>,
}

impl Publish for RecordingPublish {
    fn publish(&self, publication: Publication) -> Publishing {
        if publication.target == Target::Topic {
            lock(&self.recorded.published).push(publication.message.clone());
        }
        self.inner.publish(publication)
    }
}
