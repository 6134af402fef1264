//! Tells a sink, one alert after the other.

use std::{future::pending, time::Duration};

use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::{Alert, AlertSink, Alerts, LogAlerts};
use crate::{outcome::one_line, walled::walled};

/// How long a sink has for one alert.
const TIME: Duration = Duration::from_secs(10);

/// Tells what is raised until it is told to close; then what is held back, and ends.
pub(crate) async fn tell_all(alerts: Alerts, sink: &dyn AlertSink, closing: CancellationToken) {
    loop {
        let is_last = closing.is_cancelled();
        while let Some(alert) = next(&alerts, is_last) {
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
            biased;
            () = alerts.rung() => {}
            () = held => {}
            () = closing.cancelled() => {}
        }
    }
}

/// Logs what was not told, where nobody is told any more.
pub(crate) fn log_rest(alerts: &Alerts) {
    while let Some(alert) = next(alerts, true) {
        LogAlerts::log(&alert);
    }
}

/// Not under the lock: whoever is told may raise another one.
fn next(alerts: &Alerts, is_last: bool) -> Option<Alert> {
    let (now, mut ledger) = (Instant::now(), alerts.ledger());
    if is_last { ledger.last(now) } else { ledger.next(now) }
}

/// Logged where it is not told, also where the sink is left in the middle of it.
struct Untold<'a>(Option<&'a Alert>);

impl Drop for Untold<'_> {
    fn drop(&mut self) {
        if let Some(alert) = self.0 {
            LogAlerts::log(alert);
        }
    }
}

async fn tell(sink: &dyn AlertSink, alert: &Alert) {
    let mut untold = Untold(Some(alert));
    // The error's text is made, and the error dropped, behind the same wall.
    let told = walled(|| {
        let told = sink.tell(alert);
        Box::pin(async move { told.await.map_err(|error| one_line(&*error)) })
    });
    let told = timeout(TIME, told).await;
    let error = match told {
        Ok(Some(Ok(()))) => {
            untold.0 = None;
            return;
        }
        Ok(Some(Err(error))) => error,
        Ok(None) => "it panicked".to_owned(),
        Err(_) => format!("it took longer than {} s", TIME.as_secs()),
    };
    tracing::error!(%error, "the sink of alerts failed: the alert follows");
}
