//! [`Alerts`]: what alerts are raised with.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::Notify, time::Instant};

use super::{AlertKind, Level, ledger::Ledger};
use crate::{
    clock::Clock,
    context::Context,
    extract::{FromDelivery, FromScope},
    outcome::{Failure, cap, escape},
    scope::Scope,
    text::Text,
};

/// Most bytes of an alert's message.
const MAX_MESSAGE: usize = 1_000;

/// Raises alerts: an argument of handlers, middleware and providers. Cheap to clone.
///
/// ```
/// use swit_runtime::alert::{Alerts, Level};
///
/// async fn refund(alerts: Alerts) {
///     alerts.raise(Level::Critical, "refund_failed", "payments", "the partner knows nothing of payment 4711");
/// }
/// ```
#[derive(Clone)]
pub struct Alerts {
    shared: Arc<Shared>,
}

struct Shared {
    ledger: Mutex<Ledger>,
    clock: Clock,
    bell: Notify,
}

impl Alerts {
    /// The subject of alerts of more subjects than are told apart, which are 1,000 within a minute.
    pub const OTHERS: Text = Text::from_static("others");

    pub(crate) fn new(clock: Clock) -> Self {
        Self { shared: Arc::new(Shared { ledger: Mutex::default(), clock, bell: Notify::new() }) }
    }

    /// Raises one of the service's own. Nothing waits for it. `kind` and `subject` say which are the same: of those only the
    /// first is told at once.
    pub fn raise(&self, level: Level, kind: &'static str, subject: impl Into<Text>, message: impl AsRef<str>) {
        self.note(level, AlertKind::Custom(kind), &subject.into(), message.as_ref());
    }

    /// How often each kind was raised so far.
    pub fn counts(&self) -> Vec<(AlertKind, u64)> {
        self.ledger().raised()
    }

    pub(crate) fn note(&self, level: Level, kind: AlertKind, subject: &Text, message: &str) {
        // One line, whoever's error it quotes.
        let line = escape(message);
        let message = Text::from(cap(&line, MAX_MESSAGE).to_string());
        let now = Instant::now();
        let is_new = self.ledger().raise(level, kind, subject.clone(), message, now, self.shared.clock.now());
        if is_new {
            self.shared.bell.notify_one();
        }
    }

    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Nothing panics while it is held.
        self.shared.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when one was raised that is to be told now.
    pub(super) async fn rung(&self) {
        self.shared.bell.notified().await;
    }
}

impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerts").field("counts", &self.counts()).finish()
    }
}

impl FromScope for Alerts {
    fn from_scope(scope: &Scope) -> Result<Self, Failure> {
        Ok(scope.alerts().clone())
    }
}

impl FromDelivery for Alerts {
    type Rejection = Failure;

    async fn from_delivery(cx: &mut Context) -> Result<Self, Failure> {
        Self::from_scope(cx.scope())
    }
}
