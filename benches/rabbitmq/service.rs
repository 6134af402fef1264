//! The same work as a swit service with defaults on, and when it subscribed.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use swit::{
    App, Handlers, Metadata, Running, State, SubscriberRegistration, subscriber,
    transport::{BoxFuture, Capabilities, Inspect, Publish, Queue, Status, SubscribeOptions, Subscription, Transport},
    transports::rabbitmq::RabbitMqTransport,
};
use tokio::sync::watch;

use crate::{
    order::Order,
    place::{PREFETCH, Place},
    tally::Tally,
};

#[subscriber(topic = "order.created")]
pub(crate) async fn count_items(order: Order, tally: State<Tally>) {
    tally.count(&order);
}

/// Takes five milliseconds a message, as one does who asks a database.
#[subscriber(topic = "order.created")]
pub(crate) async fn count_slowly(order: Order, tally: State<Tally>) {
    tokio::time::sleep(SLOW).await;
    tally.count(&order);
}

/// How long the slow handler takes.
pub(crate) const SLOW: Duration = Duration::from_millis(5);

/// Stands there so that a service that only publishes has a subscriber.
#[subscriber(topic = "nothing.happens")]
pub(crate) async fn idle(_meta: Metadata) {}

/// A running service.
pub(crate) struct Service {
    running: Running,
    transport: Arc<Watched>,
}

impl Service {
    /// Starts these handlers, each with this concurrency.
    pub(crate) async fn start<H: Handlers>(place: &Place, concurrency: u32, tally: &Arc<Tally>) -> Self {
        let transport = Arc::new(Watched::new(place.transport()));
        let app = App::only::<H>();
        Self::run(place, app, names::<H>(), concurrency, tally, transport).await
    }

    /// Starts the same handler under several names.
    pub(crate) async fn start_named(
        place: &Place,
        registrations: &[&'static SubscriberRegistration],
        concurrency: u32,
        tally: &Arc<Tally>,
    ) -> Self {
        let transport = Arc::new(Watched::new(place.transport()));
        let app = registrations.iter().fold(App::only::<()>(), |app, known| app.with_registration(known));
        let names = registrations.iter().map(|known| known.name).collect();
        Self::run(place, app, names, concurrency, tally, transport).await
    }

    async fn run(
        place: &Place,
        app: App,
        names: Vec<&'static str>,
        concurrency: u32,
        tally: &Arc<Tally>,
        transport: Arc<Watched>,
    ) -> Self {
        let mut app = app
            .service(place.name.clone(), "1.0.0")
            .provide_shared(Arc::clone(tally))
            .transport(Arc::clone(&transport) as Arc<dyn Transport>);
        for name in names {
            app = app
                .set(&format!("subscriber.{name}.concurrency"), i64::from(concurrency))
                .set(&format!("subscriber.{name}.prefetch"), i64::from(PREFETCH));
        }
        Self { running: app.start().await.expect("the service starts"), transport }
    }

    /// When it first subscribed.
    pub(crate) fn subscribed(&self) -> SystemTime {
        self.transport.subscribed().expect("it has subscribed")
    }

    pub(crate) fn publisher(&self) -> swit::Publisher {
        self.running.publisher().expect("there is a default transport")
    }

    pub(crate) async fn stop(self) {
        self.running.shutdown().await.expect("it stops");
    }

    /// Makes the queues of these handlers, by starting them once.
    pub(crate) async fn declare<H: Handlers>(place: &Place) {
        Self::start::<H>(place, 1, &Arc::default()).await.stop().await;
    }
}

fn names<H: Handlers>() -> Vec<&'static str> {
    H::registrations().iter().map(|known| known.name).collect()
}

/// The transport, which notes when its first subscription was asked for: before its channel is opened, as in the loops
/// that are written by hand. It changes nothing else.
#[derive(Debug)]
struct Watched {
    inner: RabbitMqTransport,
    subscribed: Mutex<Option<SystemTime>>,
}

impl Watched {
    fn new(inner: RabbitMqTransport) -> Self {
        Self { inner, subscribed: Mutex::new(None) }
    }

    fn subscribed(&self) -> Option<SystemTime> {
        *self.subscribed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transport for Watched {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn system(&self) -> &'static str {
        self.inner.system()
    }

    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }

    fn connect(&self) -> BoxFuture<'_, Result<(), swit::TransportError>> {
        self.inner.connect()
    }

    fn declare<'a>(&'a self, queues: &'a [Queue]) -> BoxFuture<'a, Result<(), swit::TransportError>> {
        self.inner.declare(queues)
    }

    fn subscribe(
        &self,
        options: SubscribeOptions,
    ) -> BoxFuture<'_, Result<Arc<dyn Subscription>, swit::TransportError>> {
        self.subscribed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(SystemTime::now);
        self.inner.subscribe(options)
    }

    fn publisher(&self) -> Arc<dyn Publish> {
        self.inner.publisher()
    }

    fn status(&self) -> Vec<watch::Receiver<Status>> {
        self.inner.status()
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.inner.inspect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}
