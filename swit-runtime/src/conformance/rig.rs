//! What behaviours are written with: names of their own, and waiting that ends.

use std::{
    fmt,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::time::timeout;

use crate::{
    clock::Clock,
    error::PublishError,
    id::MessageId,
    message::Message,
    text::Text,
    transport::{Delivery, Publication, Queue, Receipt, SubscribeOptions, Subscription, Target, Transport, Verdict},
};

/// How long what must happen may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);
/// How long is looked for what must not happen.
pub(super) const SILENCE: Duration = Duration::from_millis(150);

/// A transport under test, with names that no other test uses.
#[derive(Clone)]
pub struct Rig {
    pub(super) transport: Arc<dyn Transport>,
    prefix: String,
}

impl fmt::Debug for Rig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rig").field("transport", &self.transport).field("prefix", &self.prefix).finish()
    }
}

/// Runs one behaviour on a transport of its own, on two threads, and closes the transport behind it.
///
/// # Panics
/// The behaviour failed, or took longer than any should.
pub fn run<T, B>(factory: impl FnOnce() -> T, behaviour: &str, run: impl FnOnce(Rig) -> B)
where
    T: Future<Output = Arc<dyn Transport>>,
    B: Future<Output = ()>,
{
    static RUNS: AtomicU64 = AtomicU64::new(0);
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime: {error}"),
    };
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_micros();
    let number = RUNS.fetch_add(1, Ordering::Relaxed);
    runtime.block_on(async {
        let transport = factory().await;
        if let Err(error) = transport.connect().await {
            panic!("the transport does not connect: {error}");
        }
        let prefix = format!("conformance.{behaviour}.{started:x}-{}-{number}", std::process::id());
        let rig = Rig { transport: Arc::clone(&transport), prefix };
        assert!(timeout(4 * DEADLINE, run(rig)).await.is_ok(), "`{behaviour}` did not end");
        assert!(timeout(DEADLINE, transport.close()).await.is_ok(), "the transport did not close");
    });
}

impl Rig {
    /// A name of this test's own.
    pub(super) fn name(&self, name: &str) -> Text {
        Text::from(format!("{}.{name}", self.prefix))
    }

    /// A message for this topic, with its id, its time and this text as its body.
    pub(super) fn message(&self, topic: &str, body: impl Into<String>) -> Message {
        let now = Clock::SYSTEM.now();
        let mut message = Message::new(self.name(topic), body.into()).with_id(MessageId::new(now));
        message.timestamp = Some(now);
        message
    }

    /// A subscriber's queue of this name, bound to the topic or pattern.
    pub(super) fn queue(&self, name: &str, topic: &str) -> Queue {
        Queue::subscriber(self.name(name), [self.name(topic)])
    }

    pub(super) async fn declare(&self, queues: &[Queue]) {
        if let Err(error) = soon(self.transport.declare(queues)).await {
            panic!("{error}");
        }
    }

    /// One queue `q` for the topic `t`, which most behaviours need no more than.
    pub(super) async fn declare_one(&self) {
        self.declare(&[self.queue("q", "t")]).await;
    }

    pub(super) async fn subscribe(&self, queue: &str, prefetch: u32) -> Arc<dyn Subscription> {
        self.subscribe_with(SubscribeOptions::new(self.name(queue), "conformance", prefetch)).await
    }

    pub(super) async fn subscribe_with(&self, options: SubscribeOptions) -> Arc<dyn Subscription> {
        match soon(self.transport.subscribe(options)).await {
            Ok(subscription) => subscription,
            Err(error) => panic!("{error}"),
        }
    }

    /// Publishes, however that ends.
    pub(super) async fn try_publish(&self, publication: Publication) -> Result<Receipt, PublishError> {
        soon(self.transport.publisher().publish(publication)).await
    }

    /// Publishes to somebody.
    pub(super) async fn publish(&self, publication: Publication) {
        match self.try_publish(publication).await {
            Ok(receipt) => assert!(receipt.routed, "no queue took it"),
            Err(error) => panic!("{error}"),
        }
    }

    /// Publishes messages with these bodies to a topic, one after the other.
    pub(super) async fn publish_each(&self, topic: &str, bodies: &[&str]) {
        for body in bodies {
            self.publish(Publication::new(self.message(topic, *body))).await;
        }
    }

    /// A target by the queue's name.
    pub(super) fn to_queue(&self, queue: &str) -> Target {
        Target::Queue(self.name(queue))
    }
}

/// The answer, which must come soon.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    match timeout(DEADLINE, future).await {
        Ok(answer) => answer,
        Err(_) => panic!("nothing happened within {DEADLINE:?}"),
    }
}

/// The next delivery of worker 0.
pub(super) async fn next(subscription: &Arc<dyn Subscription>) -> Delivery {
    match next_of(subscription, 0).await {
        Some(delivery) => delivery,
        None => panic!("the subscription is closed"),
    }
}

/// The next delivery of this worker, or the end.
pub(super) async fn next_of(subscription: &Arc<dyn Subscription>, worker: usize) -> Option<Delivery> {
    soon(poll_fn(|cx| subscription.poll_next(worker, cx))).await
}

/// The body of the next delivery, which is acknowledged.
pub(super) async fn take(subscription: &Arc<dyn Subscription>) -> String {
    let delivery = next(subscription).await;
    let text = body(&delivery);
    delivery.settle(Verdict::Ack);
    text
}

/// The bodies of the next deliveries, which are acknowledged.
pub(super) async fn take_many(subscription: &Arc<dyn Subscription>, count: usize) -> Vec<String> {
    let mut bodies = Vec::with_capacity(count);
    for _ in 0..count {
        bodies.push(take(subscription).await);
    }
    bodies
}

/// Nothing comes for as long as it is worth looking.
pub(super) async fn nothing(subscription: &Arc<dyn Subscription>) {
    if let Ok(delivery) = timeout(SILENCE, poll_fn(|cx| subscription.poll_next(0, cx))).await {
        panic!("this should not have come: {:?}", delivery.map(|delivery| body(&delivery)));
    }
}

/// The body as text.
pub(super) fn body(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.message().payload).into_owned()
}

/// Waits until it is so.
pub(super) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(DEADLINE, waiting).await.is_ok(), "it was to be {what} within {DEADLINE:?}");
}
