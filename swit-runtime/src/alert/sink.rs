//! [`AlertSink`]: where alerts go.

use std::{fmt, sync::Arc};

use super::{Alert, Level};
use crate::{classify::BoxError, said::Shown, transport::BoxFuture};

/// Where alerts go: a provider of `Arc<dyn AlertSink>`, or one given to `App::provide`. Without one they are logged.
///
/// ```
/// use std::sync::Arc;
/// use swit_runtime::{
///     alert::{Alert, AlertSink, Level},
///     classify::BoxError,
///     transport::BoxFuture,
/// };
///
/// struct Pager;
///
/// impl AlertSink for Pager {
///     fn tell<'a>(&'a self, alert: &'a Alert) -> BoxFuture<'a, Result<(), BoxError>> {
///         Box::pin(async move {
///             if alert.level == Level::Critical {
///                 println!("{} {}: {} ({} times)", alert.kind, alert.subject, alert.message, alert.count);
///             }
///             Ok(())
///         })
///     }
/// }
///
/// let provided: Arc<dyn AlertSink> = Arc::new(Pager);
/// ```
///
/// It is told one alert after the other, by one task, and has 10 s for each; what it is too slow for, fails at or panics over
/// is logged in its place.
pub trait AlertSink: Send + Sync + 'static {
    /// Tells somebody.
    fn tell<'a>(&'a self, alert: &'a Alert) -> BoxFuture<'a, Result<(), BoxError>>;
}

impl fmt::Debug for dyn AlertSink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AlertSink")
    }
}

/// The type that an app provides.
pub type SharedAlertSink = Arc<dyn AlertSink>;

/// Logs alerts: warnings at warn level, all others at error level.
#[derive(Debug, Clone, Copy, Default)]
pub struct LogAlerts;

impl LogAlerts {
    pub(super) fn log(alert: &Alert) {
        let Alert { level, kind, subject, message, count, .. } = alert;
        let (level, subject) = (level.as_str(), Shown(subject));
        if alert.level == Level::Warning {
            tracing::warn!(alert = level, %kind, %subject, count, "alert: {message}");
        } else {
            tracing::error!(alert = level, %kind, %subject, count, "alert: {message}");
        }
    }
}

impl AlertSink for LogAlerts {
    fn tell<'a>(&'a self, alert: &'a Alert) -> BoxFuture<'a, Result<(), BoxError>> {
        Self::log(alert);
        Box::pin(std::future::ready(Ok(())))
    }
}
