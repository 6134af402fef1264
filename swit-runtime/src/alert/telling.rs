//! Tells a sink, one alert after the other.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{Alert, AlertSink, Alerts, LogAlerts};
use crate::walled::walled;

/// How long a sink has for one alert.
const TIME: Duration = Duration::from_secs(10);

/// Tells what is raised until it is told to close; then what is held back, and ends.
pub(crate) async fn tell_all(alerts: Alerts, sink: &dyn AlertSink, closing: CancellationToken) {
    loop {
        let is_last = closing.is_cancelled();
        loop {
            let now = Instant::now();
            let next = if is_last { alerts.ledger().last(now) } else { alerts.ledger().next(now) };
            let Some(alert) = next else { break };
            tell(sink, &alert).await;
        }
        if is_last {
            return;
        }
        let due = alerts.ledger().due();
        let held = async {
            match due {
                Some(due) => sleep_until(due).await,
                None => pending().await,
            }
        };
        tokio::select! {
            () = alerts.rung() => {}
            () = held => {}
            () = closing.cancelled() => {}
        }
    }
}

async fn tell(sink: &dyn AlertSink, alert: &Alert) {
    let told = timeout(TIME, walled(|| sink.tell(alert))).await;
    let error = match told {
        Ok(Some(Ok(()))) => return,
        Ok(Some(Err(error))) => error,
        Ok(None) => "it panicked".into(),
        Err(_) => format!("it took longer than {} s", TIME.as_secs()).into(),
    };
    LogAlerts::log(alert);
    tracing::error!(%error, "the sink of alerts failed: see the alert above");
}
