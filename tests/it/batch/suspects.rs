//! What may have killed its process is attempted alone.

use std::{
    sync::Arc,
    task::{Context as Task, Poll},
};

use swit::{
    App, Batch, State, TransportError, subscriber,
    transport::{
        BoxFuture, Capabilities, Delivery, Inspect, Publish, Queue, SubscribeOptions, Subscription, SubscriptionState,
        Transport,
    },
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::sync::watch;

use super::Calls;
use crate::support::{self, keyed};

/// The memory transport, as if what says so had come back that often.
#[derive(Debug)]
struct Haunted(MemoryTransport);

#[derive(Debug)]
struct Came(Arc<dyn Subscription>);

impl Came {
    fn as_often_as_it_says(delivery: Delivery) -> Delivery {
        let mut delivery = delivery;
        let said = String::from_utf8_lossy(&delivery.message().payload).into_owned();
        delivery.redeliveries = if said.contains("innocent") {
            2
        } else if said.contains("suspect") {
            3
        } else {
            0
        };
        delivery
    }
}

impl Subscription for Came {
    fn poll_next(&self, worker: usize, task: &mut Task<'_>) -> Poll<Option<Delivery>> {
        self.0.poll_next(worker, task).map(|next| next.map(Self::as_often_as_it_says))
    }

    fn busy(&self, worker: usize) {
        self.0.busy(worker);
    }

    fn close(&self) {
        self.0.close();
    }

    fn status(&self) -> watch::Receiver<SubscriptionState> {
        self.0.status()
    }
}

impl Transport for Haunted {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn system(&self) -> &'static str {
        self.0.system()
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn connect(&self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.0.connect()
    }

    fn declare<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), TransportError>> {
        self.0.declare(queues)
    }

    fn subscribe(&self, options: SubscribeOptions) -> BoxFuture<'_, Result<Arc<dyn Subscription>, TransportError>> {
        let inner = self.0.subscribe(options);
        Box::pin(async move { Ok(Arc::new(Came(inner.await?)) as Arc<dyn Subscription>) })
    }

    fn publisher(&self) -> Arc<dyn Publish> {
        self.0.publisher()
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.0.inspect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.0.close()
    }
}

#[subscriber(topic = "task.created", batch(max = 10, within = "20ms"))]
async fn handles(tasks: Batch<support::Task>, calls: State<Calls>) {
    calls.note(&tasks);
}

#[tokio::test(start_paused = true)]
async fn a_suspect_is_attempted_alone_and_the_innocent_together() {
    let haunted = Haunted(MemoryTransport::new("default", MemoryOptions::default()));
    let app = App::only::<(handles,)>().provide(Calls::default()).transport(Arc::new(haunted));
    let running = app.start().await.unwrap();
    let calls = running.scope().get::<Calls>().unwrap();
    let publisher = running.publisher().unwrap();
    for text in ["a", "suspect 1", "innocent", "b", "suspect 2", "c"] {
        publisher.publish(&keyed("k", text)).await.unwrap();
    }
    running.wait_quiet().await;
    let mut texts = calls.texts();
    texts.sort();
    assert_eq!(texts, [vec!["a", "innocent", "b", "c"], vec!["suspect 1"], vec!["suspect 2"]]);
    let counts = running.stats()[0].counts.clone();
    assert_eq!((counts.attempts, counts.succeeded, counts.redelivered), (6, 6, 3));
    running.shutdown().await.unwrap();
}
