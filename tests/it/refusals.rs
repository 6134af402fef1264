//! A broker that refuses the copies that settlement makes: what they replace stays where it is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use swit::{
    App, PublishError, State, TransportError, subscriber,
    transport::{
        BoxFuture, Capabilities, Inspect, Publication, Publish, Publishing, Queue, SubscribeOptions, Subscription,
        Target, Transport,
    },
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::time::Instant;

use crate::support::{Journal, Task, task};

/// A memory transport that refuses a number of publications that are addressed to queues.
#[derive(Debug)]
pub(crate) struct Refusing {
    inner: MemoryTransport,
    left: Arc<AtomicUsize>,
}

impl Refusing {
    pub(crate) fn times(times: usize) -> (Arc<dyn Transport>, Arc<AtomicUsize>) {
        let left = Arc::new(AtomicUsize::new(times));
        (Arc::new(Self { inner: MemoryTransport::new("default", MemoryOptions::default()), left: left.clone() }), left)
    }
}

#[derive(Debug)]
struct RefusingPort(Arc<dyn Publish>, Arc<AtomicUsize>);

impl Publish for RefusingPort {
    fn publish(&self, publication: Publication) -> Publishing {
        let take_one = |left: usize| left.checked_sub(1);
        match &publication.target {
            Target::Queue(queue) if self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take_one).is_ok() => {
                let destination = queue.clone();
                Publishing::ready(Err(PublishError::Refused { destination, reason: "out of disk".to_owned() }))
            }
            _ => self.0.publish(publication),
        }
    }
}

impl Transport for Refusing {
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
    fn publisher(&self) -> Arc<dyn Publish> {
        Arc::new(RefusingPort(self.inner.publisher(), self.left.clone()))
    }
    fn inspect(&self) -> Option<&dyn Inspect> {
        self.inner.inspect()
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

#[subscriber(topic = "task.created", retries = 1, backoff = fixed("5s"))]
pub(crate) async fn fails(task: Task, journal: State<Journal>) -> Result<(), std::io::Error> {
    journal.note(task.text);
    Err(std::io::Error::other("out of order"))
}

#[tokio::test(start_paused = true)]
async fn what_a_refused_copy_replaces_stays_unsettled_until_it_is_taken() {
    let journal = Journal::default();
    // The delayed copy is refused three times, the dead letter four times.
    let (transport, left) = Refusing::times(3);
    let running = App::only::<(fails,)>()
        .service("service", "1")
        .transport(transport)
        .provide(journal.clone())
        .start()
        .await
        .unwrap();
    let inspect = || running.inspect("default").unwrap();
    let depth = |queue: &str| inspect().depth(queue);
    running.publisher().unwrap().publish(&task("x")).await.unwrap();
    while left.load(Ordering::SeqCst) > 0 {
        assert_eq!((depth("service.fails"), depth("service.fails.dlq")), (Some(1), Some(0)));
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    left.store(4, Ordering::SeqCst);
    while depth("service.fails.dlq") != Some(1) {
        assert_eq!(depth("service.fails"), Some(1), "neither gone nor twice");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(left.load(Ordering::SeqCst), 0, "it was refused four times");
    running.wait_quiet().await;
    assert_eq!(journal.lines(), ["x", "x"], "retrying a copy is not retrying the handler");
    assert_eq!(inspect().browse("service.fails.dlq", 10).len(), 1);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_broker_that_refuses_for_ever_does_not_hold_up_the_end() {
    let (transport, _) = Refusing::times(usize::MAX);
    let app = App::only::<(fails,)>().service("service", "1").transport(transport).provide(Journal::default());
    let running = app.start().await.unwrap();
    running.publisher().unwrap().publish(&task("x")).await.unwrap();
    tokio::time::sleep(Duration::from_mins(1)).await;
    let began = Instant::now();
    let error = running.shutdown_within(Duration::from_secs(4)).await.expect_err("it was not settled");
    assert!(matches!(error, swit::Error::Drain { unfinished: 1, .. }), "{error}");
    assert_eq!(began.elapsed().as_secs(), 4);
}
