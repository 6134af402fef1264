//! Connections and subscriptions: which states make a service not ready, and which are only said.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use swit::{
    App, ComponentKind, Health, HealthStatus, Stage, State, TransportError, subscriber,
    transport::{
        BoxFuture, Capabilities, ConnectionState, Inspect, Publish, Queue, Status, SubscribeOptions, Subscription,
        SubscriptionState, Transport,
    },
    transports::memory::{MemoryOptions, MemoryTransport},
};
use tokio::{
    sync::{Notify, watch},
    time::{Instant, sleep},
};

use super::{Patient, Says, patient};
use crate::support::{Task, task};

#[subscriber(topic = "task.created")]
async fn consumes(_task: Task) {}

#[subscriber(topic = "task.created", enabled = false)]
async fn is_switched_off(_task: Task) {}

#[subscriber(topic = "task.created", retries = 0, circuit_breaker(failures = 1, reset = "1m"))]
async fn fails(_task: Task) -> Result<(), std::io::Error> {
    Err(std::io::Error::other("down"))
}

#[subscriber(topic = "task.created")]
async fn takes_long(_task: Task, begun: State<Notify>) {
    begun.notify_one();
    sleep(Duration::from_secs(5)).await;
}

/// A broker whose connections and consumers are in the test's hands.
#[derive(Debug)]
struct Broker {
    inner: MemoryTransport,
    connections: [watch::Sender<Status>; 2],
    subscriptions: Arc<Mutex<Vec<watch::Sender<SubscriptionState>>>>,
}

#[derive(Debug)]
struct Consumed(Arc<dyn Subscription>, watch::Receiver<SubscriptionState>);

impl Broker {
    fn new() -> Arc<Self> {
        let connected = || watch::Sender::new(Status::new(ConnectionState::Connected));
        Arc::new(Self {
            inner: MemoryTransport::new("default", MemoryOptions::default()),
            connections: [connected(), connected()],
            subscriptions: Arc::default(),
        })
    }

    fn is(&self, state: ConnectionState) {
        self.connections[1].send_replace(Status::new(state));
    }

    fn consumers_are(&self, state: SubscriptionState) {
        for subscription in self.subscriptions.lock().unwrap().iter() {
            subscription.send_replace(state);
        }
    }
}

impl Subscription for Consumed {
    fn poll_next(
        &self,
        worker: usize,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<swit::transport::Delivery>> {
        self.0.poll_next(worker, cx)
    }

    fn busy(&self, worker: usize) {
        self.0.busy(worker);
    }

    fn status(&self) -> watch::Receiver<SubscriptionState> {
        self.1.clone()
    }

    fn close(&self) {
        self.0.close();
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
        Box::pin(async move {
            let (sender, receiver) = watch::channel(SubscriptionState::Consuming);
            self.subscriptions.lock().unwrap().push(sender);
            Ok(Arc::new(Consumed(self.inner.subscribe(options).await?, receiver)) as _)
        })
    }

    fn publisher(&self) -> Arc<dyn Publish> {
        self.inner.publisher()
    }

    fn status(&self) -> Vec<watch::Receiver<Status>> {
        self.connections.iter().map(watch::Sender::subscribe).collect()
    }

    fn inspect(&self) -> Option<&dyn Inspect> {
        self.inner.inspect()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

fn of(health: &Health, kind: ComponentKind, name: &str) -> (HealthStatus, String) {
    let found = health.component(kind, name).unwrap();
    (found.status, found.text.as_deref().unwrap_or_default().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_is_down_makes_it_not_ready() {
    let broker = Broker::new();
    let running = App::only::<(consumes,)>().without_environment().transport(broker.clone()).start().await.unwrap();
    for (state, status, text) in [
        (ConnectionState::Connected, HealthStatus::Up, ""),
        (ConnectionState::Lost, HealthStatus::Down, "lost, and being connected again (1 of 2 connections)"),
        (ConnectionState::Connecting, HealthStatus::Down, "is being connected (1 of 2 connections)"),
        (
            ConnectionState::Blocked,
            HealthStatus::Degraded,
            "the broker takes no messages: it is short of memory or disk (1 of 2 connections)",
        ),
        (ConnectionState::Connected, HealthStatus::Up, ""),
    ] {
        broker.is(state);
        let health = running.health().await;
        assert_eq!(of(&health, ComponentKind::Transport, "default"), (status, text.to_owned()), "{state:?}");
        assert_eq!((health.status, health.is_ready()), (status, status != HealthStatus::Down), "{state:?}");
    }
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_does_not_consume_makes_it_not_ready() {
    let broker = Broker::new();
    let running = App::only::<(consumes, is_switched_off)>()
        .without_environment()
        .transport(broker.clone())
        .start()
        .await
        .unwrap();
    let health = running.health().await;
    assert!(health.is_ready() && health.component(ComponentKind::Subscriber, "is-switched-off").is_none());
    broker.consumers_are(SubscriptionState::Waiting);
    let health = running.health().await;
    assert!(!health.is_ready());
    assert_eq!(of(&health, ComponentKind::Subscriber, "consumes").0, HealthStatus::Down);
    broker.consumers_are(SubscriptionState::Consuming);
    assert!(running.health().await.is_ready());
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pause_and_an_open_breaker_are_said_and_leave_it_ready() {
    let running = App::only::<(consumes, fails)>().without_environment().start().await.unwrap();
    assert_eq!(running.health().await.status, HealthStatus::Up);
    running.handle().pause("consumes").unwrap();
    running.publisher().unwrap().publish(&task("x")).await.unwrap();
    sleep(Duration::from_secs(1)).await;
    let health = running.health().await;
    assert!(health.is_ready());
    assert_eq!(health.status, HealthStatus::Degraded);
    assert_eq!(of(&health, ComponentKind::Subscriber, "consumes"), (HealthStatus::Degraded, "paused".to_owned()));
    let (status, text) = of(&health, ComponentKind::Subscriber, "fails");
    assert!(status == HealthStatus::Degraded && text.contains("circuit breaker open"), "{text}");
    running.shutdown_within(Duration::from_millis(10)).await.ok();
}

#[tokio::test(start_paused = true)]
async fn while_it_drains_it_is_not_ready_and_calls_no_check() {
    let one = Patient::default();
    let app = App::only::<(takes_long,)>().without_environment().provide(one.clone()).provide(Notify::new());
    let running = app.with_health_check::<patient>().start().await.unwrap();
    assert_eq!(running.health().await.stage, Stage::Running);
    let begun = running.scope().get::<Notify>().unwrap();
    running.publisher().unwrap().publish(&task("x")).await.unwrap();
    begun.notified().await;
    // One that is waited for is let go.
    one.says(Says::Nothing);
    sleep(Duration::from_secs(2)).await;
    let (health, at) = tokio::join!(async { (running.health().await, Instant::now()) }, async {
        sleep(Duration::from_millis(500)).await;
        running.scope().shutdown().cancel();
        Instant::now()
    });
    assert_eq!(health.1, at);
    let calls = one.calls();
    let health = [health.0, running.health().await];
    for health in health {
        assert_eq!((health.stage, health.status), (Stage::Draining, HealthStatus::Down));
        assert!(health.component(ComponentKind::Check, "patient").is_none());
    }
    assert_eq!(one.calls(), calls);
    running.shutdown().await.unwrap();
}
