//! The same work as a swit service with defaults on: metadata, timeout, panic guard, counters, settlement.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use swit::{
    App, Batch, Context, Handlers, Middleware, Next, Outcome, Running, State, subscriber,
    transport::{BoxFuture, Transport},
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::sync::Notify;

use crate::order::Order;

/// Room in the queue: the same as in the hand-written loop.
const ROOM: usize = 1_024;

/// What the handler counts, and who waits for it.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    items: AtomicU64,
    expected: AtomicU64,
    done: Notify,
}

#[subscriber(topic = "order.created")]
pub(crate) async fn count_items(order: Order, sum: State<Sum>) {
    sum.add(&order);
}

impl Sum {
    /// What a handler does with a message.
    #[inline]
    pub(crate) fn add(&self, order: &Order) {
        let items = order.items.len() as u64;
        if self.items.fetch_add(items, Ordering::Relaxed) + items == self.expected.load(Ordering::Relaxed) {
            self.done.notify_one();
        }
    }
}

/// The same in batches of a hundred.
#[expect(clippy::unused_async, reason = "a handler is async, as the other is")]
#[subscriber(topic = "order.created", batch(max = 100, within = "1ms"))]
pub(crate) async fn count_batches(orders: Batch<Order>, sum: State<Sum>) {
    let items = orders.values().map(|order| order.items.len() as u64).sum();
    if sum.items.fetch_add(items, Ordering::Relaxed) + items == sum.expected.load(Ordering::Relaxed) {
        sum.done.notify_one();
    }
}

/// Middleware that does nothing but stand in the way.
struct Pass;

impl Middleware for Pass {
    fn handle<'a>(&'a self, cx: &'a mut Context, next: Next<'a>) -> BoxFuture<'a, Outcome> {
        Box::pin(next.run(cx))
    }
}

pub(crate) struct Service {
    running: Running,
    sum: Arc<Sum>,
}

impl Service {
    pub(crate) async fn start(workers: u32, middleware: usize) -> Self {
        Self::configured(workers, middleware, "").await
    }

    /// With this configuration on top.
    pub(crate) async fn configured(workers: u32, middleware: usize, configuration: &str) -> Self {
        Self::of::<(count_items,)>("count-items", workers, middleware, configuration).await
    }

    /// A service of this one subscriber.
    pub(crate) async fn of<H: Handlers>(name: &str, workers: u32, middleware: usize, configuration: &str) -> Self {
        Self::of_app::<H>(name, workers, middleware, configuration, |app| app).await
    }

    async fn of_app<H: Handlers>(
        name: &str,
        workers: u32,
        middleware: usize,
        configuration: &str,
        with: impl FnOnce(App) -> App,
    ) -> Self {
        let sum = Arc::new(Sum::default());
        let mut options = MemoryOptions::default();
        options.capacity = ROOM;
        let transport: Arc<dyn Transport> = Arc::new(MemoryTransport::new("default", options));
        let mut app = App::only::<H>()
            .provide_shared(sum.clone())
            .transport(transport)
            .config_text("the benchmark", configuration)
            .set(&format!("subscriber.{name}.concurrency"), i64::from(workers))
            .set(&format!("subscriber.{name}.prefetch"), 1_000);
        for n in 0..middleware {
            app = app.middleware(format!("pass-{n}"), 0, Pass);
        }
        Self { running: with(app).start().await.expect("the service starts"), sum }
    }

    /// With traces, of which this share is sampled.
    pub(crate) async fn start_traced(sample: f64) -> Self {
        let traces = swit::telemetry::Traces::new().processor(crate::traced::Nowhere);
        let configuration = format!("[telemetry]\nsample = {sample:?}");
        Self::of_app::<(count_items,)>("count-items", 1, 0, &configuration, |app| app.traces(traces)).await
    }

    /// One worker that takes a hundred at once.
    pub(crate) async fn start_batches() -> Self {
        let sum = Arc::new(Sum::default());
        let mut options = MemoryOptions::default();
        options.capacity = ROOM;
        let transport: Arc<dyn Transport> = Arc::new(MemoryTransport::new("default", options));
        let app = App::only::<(count_batches,)>().provide_shared(sum.clone()).transport(transport);
        let app = app.set("subscriber.count-batches.prefetch", 1_000);
        Self { running: app.start().await.expect("the service starts"), sum }
    }

    /// Publishes as many messages and waits until all are handled.
    pub(crate) async fn run(&self, messages: u64, payload: Bytes) -> Duration {
        self.sum.items.store(0, Ordering::Relaxed);
        self.sum.expected.store(messages * 2, Ordering::Relaxed);
        let publisher = self.running.publisher().expect("there is a default transport");
        let began = Instant::now();
        let producer = tokio::spawn(async move {
            for _ in 0..messages {
                let mut message = swit::Message::new(TOPIC, payload.clone());
                message.content_type = Some(JSON);
                publisher.publish_to(TOPIC, message).await.expect("it is published");
            }
        });
        self.sum.done.notified().await;
        let took = began.elapsed();
        producer.await.expect("the producer ends well");
        took
    }

    /// Somebody asks for the metrics page ten times a second meanwhile.
    pub(crate) async fn scraped<T>(&self, work: impl Future<Output = T>) -> T {
        let metrics = self.running.metrics().expect("they are counted").clone();
        let scraper = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(100));
            loop {
                ticks.tick().await;
                std::hint::black_box(metrics.page().await);
            }
        });
        let done = work.await;
        scraper.abort();
        done
    }

    pub(crate) async fn stop(self) {
        self.running.shutdown().await.expect("it stops");
    }
}

const TOPIC: swit::Text = swit::Text::from_static("order.created");
const JSON: swit::Text = swit::Text::from_static("application/json");
