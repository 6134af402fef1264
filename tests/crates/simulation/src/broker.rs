//! The broker, as one process reaches it: a memory transport that outlives every process. What a process that dies had and did
//! not acknowledge is delivered again; what is published may come twice, late, and after what was published later.

use std::{sync::Arc, time::Duration};

use swit::{
    PublishError, Text, TransportError,
    transport::{
        BoxFuture, Capabilities, Deleted, Inspect, Publication, Publish, Publishing, Queue, SubscribeOptions,
        Subscription, Transport,
    },
    transports::memory::MemoryTransport,
};

use crate::process::{Passed, Process};

#[derive(Debug)]
pub(crate) struct WeatheredTransport {
    pub(crate) process: Arc<Process>,
    pub(crate) inner: Arc<MemoryTransport>,
}

impl Transport for WeatheredTransport {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn system(&self) -> &'static str {
        self.inner.system()
    }

    fn capabilities(&self) -> Capabilities {
        // Not its own: it is not emptied when a process ends.
        let mut capabilities = self.inner.capabilities();
        capabilities.durable = true;
        capabilities
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
        Arc::new(WeatheredPublisher { process: self.process.clone(), inner: self.inner.publisher() })
    }

    fn ready<'a>(&'a self, queues: &'a [Text]) -> BoxFuture<'a, Vec<Option<u64>>> {
        self.inner.ready(queues)
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        None
    }

    /// The broker stays; what this process had is given back as its subscriptions end.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

#[derive(Debug)]
struct WeatheredPublisher {
    process: Arc<Process>,
    inner: Arc<dyn Publish>,
}

impl Publish for WeatheredPublisher {
    fn publish(&self, mut publication: Publication) -> Publishing {
        let (process, inner) = (self.process.clone(), self.inner.clone());
        Publishing::Pending(Box::pin(async move {
            let (topic, id) = (publication.message.topic.clone(), publication.message.id.clone());
            let world = process.world.clone();
            let (mut twice, mut held_up) = (false, Duration::ZERO);
            if !world.is_calm() {
                twice = world.chance.permille(world.weather.twice);
                if world.chance.permille(world.weather.held_up) {
                    held_up = world.chance.millis(1..20_000);
                }
            }
            let what = format!("publish {topic} {id}{} late by {held_up:?}", if twice { " twice" } else { "" });
            let sent = async {
                if twice {
                    inner.publish(publication.clone()).await?;
                }
                publication.delay += held_up;
                inner.publish(publication).await
            };
            match process.pass(what, sent).await {
                Passed::Answered(answer) => answer,
                Passed::Conflict | Passed::Lost => Err(PublishError::Unavailable {
                    destination: topic,
                    waited: Duration::ZERO,
                    why: "the world says so",
                }),
            }
        }))
    }
}
