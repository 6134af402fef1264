//! Alerts of a running service: the task that tells them, and those that watch the connections.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{
    alert::{AlertKind, Alerts, Level, LogAlerts, SharedAlertSink, log_rest, tell_all},
    scope::Scope,
    text::Text,
    transport::{ConnectionState, Status, Transport},
};

/// How long the sink has at the end, at the least.
const LEAST: Duration = Duration::from_secs(1);

/// They end with it.
#[derive(Debug)]
pub(super) struct Alerting {
    alerts: Alerts,
    closing: CancellationToken,
    teller: JoinSet<()>,
    watchers: JoinSet<()>,
}

impl Alerting {
    pub(super) fn start(scope: &Scope, transports: &[Arc<dyn Transport>]) -> Self {
        let (closing, alerts) = (CancellationToken::new(), scope.alerts());
        let sink = scope.get::<SharedAlertSink>().map_or_else(|| Arc::new(LogAlerts) as _, |sink| (*sink).clone());
        let (mut teller, mut watchers) = (JoinSet::new(), JoinSet::new());
        teller.spawn({
            let (alerts, closing): (_, _) = (alerts.clone(), closing.clone());
            async move {
                let sink: SharedAlertSink = sink;
                tell_all(alerts, &*sink, closing).await;
            }
        });
        for transport in transports {
            for status in transport.status() {
                watchers.spawn(watch_connection(alerts.clone(), Text::from(transport.name()), status));
            }
        }
        Self { alerts: alerts.clone(), closing, teller, watchers }
    }

    /// Stops watching: from here on connections are closed on purpose.
    pub(super) fn stop_watching(&mut self) {
        self.watchers.abort_all();
    }

    /// Tells what is held back, then ends. What shutting down brought up is told even where that took all of its time.
    pub(super) async fn close(&mut self, deadline: Instant) {
        self.closing.cancel();
        let deadline = deadline.max(Instant::now() + LEAST);
        if timeout_at(deadline, self.teller.join_next()).await.is_err() {
            tracing::warn!("the sink of alerts was not done by the deadline; what it was not told follows");
            self.teller.shutdown().await;
            log_rest(&self.alerts);
        }
    }
}

async fn watch_connection(alerts: Alerts, transport: Text, mut status: watch::Receiver<Status>) {
    let mut before = *status.borrow_and_update();
    let mut told = false;
    while status.changed().await.is_ok() {
        let now = *status.borrow_and_update();
        // It may have come back before anybody looked.
        let came_back = now.reconnects > before.reconnects;
        let is_new = now.state != before.state;
        before = now;
        if now.state == ConnectionState::Lost || (came_back && !told) {
            if !std::mem::replace(&mut told, now.state == ConnectionState::Lost) {
                let text = "the connection to the broker was lost; it is made again";
                alerts.note(Level::Error, AlertKind::ConnectionLost, &transport, text);
            }
        } else if came_back {
            told = false;
        }
        match now.state {
            ConnectionState::Blocked if is_new => {
                let text = "the broker takes no messages for now: it is short of memory or disk";
                alerts.note(Level::Warning, AlertKind::ConnectionBlocked, &transport, text);
            }
            _ => {}
        }
    }
}
