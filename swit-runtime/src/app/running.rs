//! A started service.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{sync::watch, time::Instant};

#[cfg(feature = "prometheus")]
use super::metrics::Metrics;
use super::{
    admin::Admin,
    alerting::Alerting,
    database::Opened,
    dead_letters::DeadLetters,
    dynamic::Members,
    handle::{Handle, Link},
    health::{Health, Vitals, Wait},
    orchestration::Orchestration,
    providers::Built,
    publishing::Publishing,
    transports,
};
use crate::{
    alert::AlertKind,
    consumer::View,
    error::{Error, Result},
    pipeline::Counts,
    policy::BreakerState,
    publisher::{Publisher, PublisherStats},
    registry::{PublisherItem, Saga},
    saga::{SagaError, Sagas},
    scope::Scope,
    store::{Database, Recovered, StoreError},
    text::Text,
    transport::{Inspect, Status, SubscriptionState, Transport},
};

/// How often it is looked, at shutdown, whether only paused subscribers have messages left.
const LOOK: Duration = Duration::from_millis(10);

/// A started service. Dropping it cancels its workers, whose deliveries go back to the transport; [`shutdown`]
/// drains first.
///
/// [`shutdown`]: Self::shutdown
#[must_use = "a service that is dropped is cancelled"]
pub struct Running {
    pub(super) scope: Arc<Scope>,
    pub(super) members: Arc<Members>,
    pub(super) link: Arc<Link>,
    pub(super) transports: Vec<Arc<dyn Transport>>,
    pub(super) publishing: Publishing,
    pub(super) built: Built,
    pub(super) database: Option<Opened>,
    pub(super) orchestration: Option<Orchestration>,
    pub(super) alerting: Alerting,
    pub(super) vitals: Arc<Vitals>,
    /// Closed last.
    pub(super) admin: Admin,
    pub(super) drain: Duration,
    #[cfg(feature = "traces")]
    pub(super) tracing: Option<super::traces::Tracing>,
    #[cfg(feature = "prometheus")]
    pub(super) metrics: Option<Metrics>,
}

/// What one subscriber's workers counted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SubscriberStats {
    /// The subscriber's name.
    pub name: Text,
    /// Its queue.
    pub queue: Text,
    /// Where its dead letters go.
    pub dead_letter: Option<Text>,
    /// What its workers counted.
    pub counts: Counts,
    /// Verdicts that came too late, since their connection was gone: their messages are delivered again.
    pub stale: u64,
}

impl Running {
    /// A publisher to the transport `default`.
    ///
    /// # Errors
    /// There is none of that name, which the graph check rules out.
    pub fn publisher(&self) -> Result<Publisher> {
        Ok(Publisher::of(&self.scope, "default")?)
    }

    /// What the whole service shares.
    pub fn scope(&self) -> &Arc<Scope> {
        &self.scope
    }

    /// What each subscriber counted so far.
    pub fn stats(&self) -> Vec<SubscriberStats> {
        self.members
            .views()
            .iter()
            .map(|consumer| {
                let plan = consumer.plan();
                SubscriberStats {
                    name: plan.receiver.subscriber.clone(),
                    queue: plan.receiver.queue.clone(),
                    dead_letter: plan.dead_letter.clone(),
                    counts: consumer.counts(),
                    stale: consumer.subscription().stale(),
                }
            })
            .collect()
    }

    /// The dead letters of a transport: to be counted, read, replayed and purged. `None`: there is no such transport, or it
    /// can't walk over its queues.
    pub fn dead_letters(&self, transport: &str) -> Option<DeadLetters<'_>> {
        let transport = self.transports.iter().find(|known| known.name() == transport)?;
        DeadLetters::of(&**transport, self.scope.clock().clone())
    }

    /// How the connections of a transport are, to be watched; none if there is no transport of this name.
    pub fn connections(&self, transport: &str) -> Vec<watch::Receiver<Status>> {
        let found = self.transports.iter().find(|known| known.name() == transport);
        found.map(|transport| transport.status()).unwrap_or_default()
    }

    /// How a subscriber's subscription is, to be watched.
    pub fn subscription(&self, subscriber: &str) -> Option<watch::Receiver<SubscriptionState>> {
        Some(self.members.view(subscriber)?.subscription().status())
    }

    /// How the service is: its connections, its subscriptions, and what checks say, which are called now, or were within the
    /// last second.
    ///
    /// Takes as long as the slowest check, and no longer than that one's timeout.
    pub async fn health(&self) -> Health {
        self.vitals.health(Wait::All).await
    }

    /// Where the pages for operators are, where they are served.
    pub fn admin(&self) -> Option<SocketAddr> {
        self.admin.address()
    }

    /// How a circuit breaker is, to be watched: by its name, which is its subscriber's where it was given none. `None`: nobody
    /// has it.
    pub fn breaker(&self, name: &str) -> Option<watch::Receiver<BreakerState>> {
        Some(self.members.breaker(name)?.watch())
    }

    /// The publisher that `#[publisher]` on this struct describes.
    ///
    /// # Errors
    /// It is not part of this app.
    pub fn publisher_of<P: PublisherItem>(&self) -> Result<Publisher<P>> {
        Ok(Publisher::named(&self.scope)?)
    }

    /// The instances of a saga that this service runs.
    ///
    /// # Errors
    /// It does not run it.
    pub fn sagas<S: Saga>(&self) -> Result<Sagas<S>, SagaError> {
        Sagas::of(&self.scope)
    }

    /// The service's database, where it has one.
    pub fn database(&self) -> Option<Database> {
        Database::of(&self.scope)
    }

    /// Has all coordinators go on with what is not over; `None`: there are none.
    pub(crate) async fn recover(&self) -> Result<Option<Recovered>> {
        let all = self.scope.recoveries().all();
        let mut found = (!all.is_empty()).then(Recovered::default);
        for (coordinator, recovers) in all {
            let failed = |source: StoreError| {
                let place = format!("the log of `{coordinator}`");
                Error::Database { place, source: source.into() }
            };
            let more = recovers.recover().await.map_err(failed)?;
            if let Some(found) = &mut found {
                found.resolved += more.resolved;
                found.waiting += more.waiting;
                found.orphans += more.orphans;
            }
        }
        Ok(found)
    }

    /// A handle on this service.
    pub fn handle(&self) -> Handle {
        self.link.handle()
    }

    /// How often alerts of each kind were raised so far.
    pub fn alerts(&self) -> Vec<(AlertKind, u64)> {
        self.scope.alerts().counts()
    }

    /// What each named publisher has done so far, by name.
    pub fn publishers(&self) -> Vec<PublisherStats> {
        self.publishing.outlets.stats()
    }

    /// The metrics page of this service; `None`: the configuration wants none (`telemetry.metrics = false`).
    #[cfg(feature = "prometheus")]
    pub fn metrics(&self) -> Option<&Metrics> {
        self.metrics.as_ref()
    }

    /// Publishes what publishers hold back, then waits until everything that was published until now is answered.
    pub async fn flush(&self) {
        self.publishing.outlets.flush().await;
    }

    /// What lies in the queues of a transport, where it can tell.
    pub fn inspect(&self, transport: &str) -> Option<&dyn Inspect> {
        self.transports.iter().find(|known| known.name() == transport)?.inspect()
    }

    pub(super) fn transports(&self) -> &[Arc<dyn Transport>] {
        &self.transports
    }

    /// What lies in the queues of all transports that can tell.
    #[cfg(feature = "testing")]
    pub(crate) fn inspects(&self) -> impl Iterator<Item = &dyn Inspect> {
        self.transports.iter().filter_map(|known| known.inspect())
    }

    /// What a subscriber's workers stand before.
    #[cfg(feature = "testing")]
    pub(crate) fn gate(&self, subscriber: &str) -> Option<Arc<crate::policy::Gate>> {
        Some(self.members.view(subscriber)?.plan().gate.clone())
    }

    /// Resolves when nothing is in flight: no batch or asynchronous publisher holds a publication, and no queue that is
    /// consumed holds a message, ready, delayed or unsettled.
    ///
    /// Only transports that can be looked into are waited for. What is published from outside meanwhile may keep it
    /// waiting.
    pub async fn wait_quiet(&self) {
        loop {
            self.publishing.outlets.settled().await;
            for transport in &self.transports {
                if let Some(inspect) = transport.inspect() {
                    inspect.quiet().await;
                }
            }
            if self.orchestration.as_ref().is_some_and(Orchestration::is_busy) || self.relays().await {
                tokio::time::sleep(LOOK).await;
                continue;
            }
            // Handlers may have published meanwhile.
            if !self.publishing.outlets.holds() {
                return;
            }
        }
    }

    /// Resolves when the transports that keep their messages in this process are empty, with nothing on its way to them.
    async fn empty(&self, until: Instant) {
        let volatile = self.transports.iter().filter(|transport| !transport.capabilities().durable);
        let volatile: Vec<_> = volatile.filter_map(|transport| transport.inspect()).collect();
        loop {
            if !volatile.is_empty() {
                self.publishing.outlets.flush().await;
            }
            for inspect in &volatile {
                while tokio::time::timeout(LOOK, inspect.quiet()).await.is_err()
                    && !self.is_only_held_left(*inspect, until)
                {}
            }
            if volatile.is_empty() || self.publishing.outlets.outstanding() == 0 {
                return;
            }
        }
    }

    /// Whether something lies in the outbox that is on its way out.
    async fn relays(&self) -> bool {
        match &self.database {
            Some(database) => database.is_pending().await,
            None => false,
        }
    }

    /// Asks brokers nothing more.
    fn stop_asking(&self) {
        #[cfg(feature = "prometheus")]
        if let Some(metrics) = &self.metrics {
            metrics.stop();
        }
    }

    /// Whether nothing is left in this process but what lies before subscribers that are paused, or whose breaker stays open:
    /// they would not take it in time.
    fn is_only_held_left(&self, inspect: &dyn Inspect, until: Instant) -> bool {
        let is_held = |consumer: &View| consumer.plan().is_held_until(until);
        let is_empty = |consumer: &View| inspect.depth(&consumer.plan().receiver.queue).unwrap_or(0) == 0;
        let consumers = self.members.views();
        consumers.iter().any(is_held) && consumers.iter().all(|consumer| is_held(consumer) || is_empty(consumer))
    }

    /// Shuts down: stop pulling, drain, flush, close, tear down.
    ///
    /// A transport that keeps its messages in this process is emptied first, as far as the deadline allows: what lies
    /// in its queues would be lost. Handlers see the shutdown in their `CancellationToken`.
    ///
    /// # Errors
    /// [`Error::Drain`]: some deliveries were not finished by the deadline and were given back. [`Error::Unconfirmed`]: all
    /// were, but some publications were not confirmed by then.
    pub async fn shutdown(self) -> Result<()> {
        let drain = self.drain;
        self.shutdown_within(drain).await
    }

    /// Shuts down with another deadline than the configured one.
    ///
    /// # Errors
    /// As [`shutdown`](Self::shutdown).
    pub async fn shutdown_within(mut self, drain: Duration) -> Result<()> {
        let deadline = Instant::now() + drain;
        self.scope.shutdown().cancel();
        if let Some(orchestration) = &self.orchestration {
            orchestration.stop();
        }
        // The last quarter belongs to the workers, whatever is left in the queues.
        let until = deadline - drain / 4;
        let _ = tokio::time::timeout_at(until, self.empty(until)).await;
        let unfinished = self.members.end(deadline).await;
        self.link.close();
        if let Some(orchestration) = self.orchestration.take() {
            orchestration.close(&self.scope, deadline).await;
        }
        if let Some(database) = &mut self.database {
            database.stop_relaying(deadline).await;
        }
        let unconfirmed = self.publishing.close(&self.transports, deadline).await;
        self.alerting.stop_watching();
        self.stop_asking();
        transports::close(&self.transports).await;
        // Before the providers, of which the sink is one.
        self.alerting.close(deadline).await;
        self.vitals.stop_checks();
        self.built.close().await;
        if let Some(database) = self.database.take() {
            database.close().await;
        }
        self.admin.close().await;
        // Last: what ends as the service does is part of it.
        #[cfg(feature = "traces")]
        if let Some(tracing) = self.tracing.take() {
            tracing.close(deadline).await;
        }
        tracing::info!(unfinished, unconfirmed, "stopped");
        match (unfinished, unconfirmed) {
            (0, 0) => Ok(()),
            (0, publications) => Err(Error::Unconfirmed { publications, deadline: drain }),
            (unfinished, _) => Err(Error::Drain { unfinished, deadline: drain }),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.link.close();
        self.stop_asking();
        self.members.abort();
    }
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("subscribers", &self.members)
            .field("transports", &self.transports)
            .finish_non_exhaustive()
    }
}
