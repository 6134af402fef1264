//! Alerts: what somebody should look at, told once and not as often as it happens.
//!
//! Guarantees:
//! - raising one never waits and never fails (`alerts`);
//! - of a kind about a subject the first is told at once, and what follows within a minute is told together at its end, with
//!   its number (`ledger`): a storm is one alert with a count, and none is lost;
//! - a sink that hangs, fails or panics holds nothing up, and what it did not take is in the log (`telling`).

mod alerts;
mod ledger;
mod sink;
mod telling;

use std::{fmt, time::SystemTime};

pub use alerts::Alerts;
pub use sink::{AlertSink, LogAlerts, SharedAlertSink};
pub(crate) use telling::{log_rest, tell_all};

use crate::text::Text;

/// What somebody should look at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Alert {
    /// How soon.
    pub level: Level,
    /// Of which kind.
    pub kind: AlertKind,
    /// What it is about: a subscriber, a publisher, a transport; [`Alerts::OTHERS`] where there are too many to tell apart.
    pub subject: Text,
    /// What happened, in one line. Of several, the latest.
    pub message: Text,
    /// How often it happened since it was told last; at least 1.
    pub count: u64,
    /// When it happened first of those, by the service's clock.
    pub since: SystemTime,
}

/// How soon somebody should look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// By daylight: the service helps itself.
    Warning,
    /// Soon: something does not work.
    Error,
    /// Now: it does not get better by itself.
    Critical,
}

impl Level {
    /// As it is written in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AlertKind {
    /// A dead letter or a delayed retry can't be published: its input stays unsettled. Subject: the subscriber.
    CopyFailed,
    /// A message was given up because it came back too often without being settled, as one does that kills its process.
    /// Subject: the subscriber.
    DeliveryLimit,
    /// An asynchronous publisher could not publish what it had taken in. Subject: the publisher.
    PublishFailed,
    /// A publication in the outbox can never be made, and is parked. Subject: the transport.
    PublicationParked,
    /// A transaction over several participants is not over: one of them can't do what was decided, or the decision can't be
    /// written. Recovery goes on with it. Subject: the coordinator.
    TransactionUnfinished,
    /// An instance of a saga is parked: a compensation failed for good, or the program does not know how to go on with it.
    /// Subject: the saga.
    SagaParked,
    /// A subscription ended though its connection stands, as when its queue is deleted. Subject: the subscriber.
    SubscriptionLost,
    /// A connection was lost. Subject: the transport.
    ConnectionLost,
    /// The broker takes nothing for now, as when its memory or its disk runs out. Subject: the transport.
    ConnectionBlocked,
    /// A circuit breaker opened. Subject: the breaker's or the subscriber's name.
    BreakerOpened,
    /// One of the service's own.
    Custom(&'static str),
}

impl AlertKind {
    /// All but the service's own.
    pub const BUILT_IN: [Self; 10] = [
        Self::CopyFailed,
        Self::DeliveryLimit,
        Self::PublishFailed,
        Self::PublicationParked,
        Self::TransactionUnfinished,
        Self::SagaParked,
        Self::SubscriptionLost,
        Self::ConnectionLost,
        Self::ConnectionBlocked,
        Self::BreakerOpened,
    ];

    /// As it is written in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CopyFailed => "copy_failed",
            Self::DeliveryLimit => "delivery_limit",
            Self::PublishFailed => "publish_failed",
            Self::PublicationParked => "publication_parked",
            Self::TransactionUnfinished => "transaction_unfinished",
            Self::SagaParked => "saga_parked",
            Self::SubscriptionLost => "subscription_lost",
            Self::ConnectionLost => "connection_lost",
            Self::ConnectionBlocked => "connection_blocked",
            Self::BreakerOpened => "breaker_opened",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
