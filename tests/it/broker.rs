//! A transport that is in the test's hands: it takes every publication at once and confirms when it is told to.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use swit::{
    Message, PublishError, TransportError,
    transport::{
        BoxFuture, Capabilities, Inspect, Publication, Publish, Publishing, Queue, Receipt, SubscribeOptions,
        Subscription, Target, Transport,
    },
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::{sync::Semaphore, time::Instant};

/// The memory transport, with its confirmations withheld.
#[derive(Debug)]
pub(crate) struct Broker {
    inner: MemoryTransport,
    desk: Arc<Desk>,
}

#[derive(Debug)]
struct Desk {
    taken: Mutex<Vec<(Message, Instant)>>,
    withholds: AtomicBool,
    /// One confirmation a permit, while they are withheld.
    confirmations: Semaphore,
    /// A payload that is refused.
    refused: Mutex<Option<&'static str>>,
}

impl Broker {
    /// It confirms at once.
    pub(crate) fn new(name: &str) -> Arc<Self> {
        let desk = Desk {
            taken: Mutex::default(),
            withholds: AtomicBool::new(false),
            confirmations: Semaphore::new(0),
            refused: Mutex::default(),
        };
        Arc::new(Self { inner: MemoryTransport::new(name, MemoryOptions::default()), desk: Arc::new(desk) })
    }

    /// From now on a publication is confirmed only by [`confirm`](Self::confirm).
    pub(crate) fn withhold(&self) {
        self.desk.withholds.store(true, Ordering::Relaxed);
    }

    pub(crate) fn confirm(&self, count: usize) {
        self.desk.confirmations.add_permits(count);
    }

    /// Publications whose payload holds this text are refused.
    pub(crate) fn refuse(&self, text: &'static str) {
        *self.desk.refused.lock().unwrap() = Some(text);
    }

    /// What was handed over to a topic so far, and when.
    pub(crate) fn taken(&self) -> Vec<(Message, Instant)> {
        self.desk.taken.lock().unwrap().clone()
    }

    /// The payloads of what was handed over, as text.
    pub(crate) fn payloads(&self) -> Vec<String> {
        self.taken().iter().map(|(message, _)| String::from_utf8_lossy(&message.payload).into_owned()).collect()
    }
}

#[derive(Debug)]
struct Port {
    inner: Arc<dyn Publish>,
    desk: Arc<Desk>,
}

impl Publish for Port {
    fn publish(&self, publication: Publication) -> Publishing {
        if publication.target != Target::Topic {
            return self.inner.publish(publication);
        }
        let message = publication.message.clone();
        let refused = self
            .desk
            .refused
            .lock()
            .unwrap()
            .is_some_and(|text| String::from_utf8_lossy(&message.payload).contains(text));
        let answer = if refused {
            let reason = "on purpose".to_owned();
            Publishing::ready(Err(PublishError::Refused { destination: message.topic.clone(), reason }))
        } else {
            self.inner.publish(publication)
        };
        self.desk.taken.lock().unwrap().push((message, Instant::now()));
        if !self.desk.withholds.load(Ordering::Relaxed) {
            return answer;
        }
        let desk = self.desk.clone();
        Publishing::Pending(Box::pin(async move {
            let answer: Result<Receipt, PublishError> = answer.await;
            desk.confirmations.acquire().await.unwrap().forget();
            answer
        }))
    }
}

impl Transport for Broker {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn system(&self) -> &'static str {
        "broker"
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

    fn publisher(&self) -> Arc<dyn Publish> {
        Arc::new(Port { inner: self.inner.publisher(), desk: self.desk.clone() })
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.inner.inspect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}
