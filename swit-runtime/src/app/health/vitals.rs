//! What is looked at when somebody asks how the service is.

use std::sync::{Arc, OnceLock, Weak};

use tokio_util::sync::CancellationToken;

use super::{
    checks::{Checks, Wait},
    report::{Component, ComponentKind, Health, HealthStatus, Stage},
};
use crate::{
    app::dynamic::{Members, SubscriberState, SubscriberStatus},
    policy::BreakerState,
    scope::Service,
    text::Text,
    transport::{ConnectionState, Status, Transport},
};

/// What is looked at when somebody asks how the service is. It is there before anything is built, so that a service can be
/// asked while it starts.
#[derive(Debug)]
pub(in crate::app) struct Vitals {
    service: Service,
    transports: Vec<Arc<dyn Transport>>,
    shutdown: CancellationToken,
    running: OnceLock<Started>,
}

/// What is there once the service has started.
#[derive(Debug)]
struct Started {
    /// Weak: whoever asks keeps no service alive.
    members: Weak<Members>,
    checks: Checks,
}

impl Vitals {
    pub(in crate::app) fn new(
        service: Service,
        transports: Vec<Arc<dyn Transport>>,
        shutdown: CancellationToken,
    ) -> Self {
        Self { service, transports, shutdown, running: OnceLock::new() }
    }

    /// The service consumes from now on.
    pub(in crate::app) fn started(&self, members: &Arc<Members>, checks: Checks) {
        let _ = self.running.set(Started { members: Arc::downgrade(members), checks });
    }

    /// How the service is, now; `wait` says whom it is worth waiting for. While it shuts down no check is called: what it would look at is being closed.
    pub(in crate::app) async fn health(&self, wait: Wait) -> Health {
        let checked = match self.running.get() {
            None => Vec::new(),
            Some(started) => tokio::select! {
                biased;
                () = self.shutdown.cancelled() => Vec::new(),
                results = started.checks.results(wait) => results,
            },
        };
        // After the checks, which may have taken a while.
        let mut components: Vec<_> = self.transports.iter().map(|transport| connection(&**transport)).collect();
        let members = self.running.get().and_then(|started| started.members.upgrade());
        if let Some(members) = members {
            components.extend(members.list().iter().map(subscription));
        }
        components.extend(checked);
        Health::of(&self.service, self.stage(), components)
    }

    fn stage(&self) -> Stage {
        if self.shutdown.is_cancelled() {
            Stage::Draining
        } else if self.running.get().is_some() {
            Stage::Running
        } else {
            Stage::Starting
        }
    }

    /// Calls no check any more.
    pub(in crate::app) fn stop_checks(&self) {
        if let Some(started) = self.running.get() {
            started.checks.stop();
        }
    }
}

/// The connections of a transport, taken together: the worst of them.
fn connection(transport: &dyn Transport) -> Component {
    let all: Vec<Status> = transport.status().iter().map(|status| *status.borrow()).collect();
    let status = all.iter().copied().reduce(Status::with).unwrap_or(Status::new(ConnectionState::Connected));
    let lost = all.iter().filter(|known| known.state != ConnectionState::Connected).count();
    let of = if all.len() > 1 { format!(" ({lost} of {} connections)", all.len()) } else { String::new() };
    let (health, text) = match status.state {
        ConnectionState::Connected if status.reconnects == 0 => (HealthStatus::Up, None),
        ConnectionState::Connected => (HealthStatus::Up, Some(again(status.reconnects))),
        ConnectionState::Blocked => {
            (HealthStatus::Degraded, Some(format!("the broker takes no messages: it is short of memory or disk{of}")))
        }
        ConnectionState::Connecting => (HealthStatus::Down, Some(format!("is being connected{of}"))),
        ConnectionState::Lost => (HealthStatus::Down, Some(format!("lost, and being connected again{of}"))),
        ConnectionState::Closed => (HealthStatus::Down, Some(format!("closed{of}"))),
    };
    Component::new(ComponentKind::Transport, &Text::from(transport.name()), health, text.map(Text::from))
}

fn again(reconnects: u64) -> String {
    if reconnects == 1 { "connected again once".to_owned() } else { format!("connected again {reconnects} times") }
}

/// A subscription. What somebody wanted, a pause, and what a restart would not mend, an open breaker, is said and leaves
/// the service ready.
fn subscription(subscriber: &SubscriberStatus) -> Component {
    let (health, text) = match (subscriber.state, subscriber.breaker) {
        (SubscriberState::Waiting, _) => {
            (HealthStatus::Down, Some("does not consume: waits for its connection or its queue"))
        }
        (SubscriberState::Starting, _) => (HealthStatus::Degraded, Some("is being subscribed")),
        (SubscriberState::Draining, _) => (HealthStatus::Up, Some("is being unsubscribed")),
        (SubscriberState::Paused, _) => (HealthStatus::Degraded, Some("paused")),
        (SubscriberState::Consuming, Some(BreakerState::Open { .. })) => {
            (HealthStatus::Degraded, Some("circuit breaker open: begins no attempt"))
        }
        (SubscriberState::Consuming, Some(BreakerState::HalfOpen)) => {
            (HealthStatus::Degraded, Some("circuit breaker half open: probes"))
        }
        (SubscriberState::Consuming, _) => (HealthStatus::Up, None),
    };
    Component::new(ComponentKind::Subscriber, &subscriber.name, health, text.map(Text::from_static))
}
