//! What a configuration says, typed: each value with the layer that set it.

use std::{collections::BTreeMap, time::Duration};

use swit_grammar::{Backoff, publisher::Batching};

use super::{AdminSettings, DatabaseSettings, Section, Set, TelemetrySettings, TransportSettings};
use crate::{compression::Compression, event::Unrouted, limits::Limits, text::Text};

/// How long a drain may take where nobody says otherwise.
const DEFAULT_DRAIN: Duration = Duration::from_secs(20);

/// What all layers together say.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Settings {
    /// `[service]`.
    pub service: ServiceSettings,
    /// `[transport.NAME]`.
    pub transports: BTreeMap<Text, TransportSettings>,
    /// `[subscriber.NAME]`.
    pub subscribers: BTreeMap<Text, SubscriberSettings>,
    /// `[publisher.NAME]`.
    pub publishers: BTreeMap<Text, PublisherSettings>,
    /// `[middleware.NAME]`.
    pub middleware: BTreeMap<Text, MiddlewareSettings>,
    /// `[saga.NAME]`.
    pub sagas: BTreeMap<Text, SagaSettings>,
    /// `[shutdown]`.
    pub shutdown: ShutdownSettings,
    /// `[limits]`.
    pub limits: LimitSettings,
    /// `[admin]`.
    pub admin: AdminSettings,
    /// `[telemetry]`.
    pub telemetry: TelemetrySettings,
    /// `[database]`.
    pub database: DatabaseSettings,
    /// The application's own sections that any layer sets.
    pub sections: BTreeMap<Text, Section>,
}

impl Settings {
    /// The limits on messages: the defaults with what is set.
    pub fn limits(&self) -> Limits {
        let mut limits = Limits::DEFAULT;
        for (limit, set) in [
            (&mut limits.payload_bytes, &self.limits.payload),
            (&mut limits.decompressed_bytes, &self.limits.decompressed),
            (&mut limits.headers, &self.limits.headers),
            (&mut limits.header_bytes, &self.limits.header_bytes),
        ] {
            *limit = set.as_ref().map_or(*limit, |set| set.value);
        }
        limits
    }

    /// Whether this process runs instances of a saga; it does unless told otherwise.
    pub(in crate::app) fn runs_saga(&self, name: &str) -> bool {
        self.sagas.get(name).and_then(|saga| saga.enabled.as_ref()).is_none_or(|enabled| enabled.value)
    }

    /// How long a drain may take; 20 s unless set.
    pub fn drain(&self) -> Duration {
        self.shutdown.drain.as_ref().map_or(DEFAULT_DRAIN, |set| set.value)
    }

    /// A section of the application; empty where no layer speaks of it.
    pub fn section(&self, name: &str) -> Section {
        self.sections.get(name).cloned().unwrap_or_else(|| Section::new(name))
    }
}

/// `[service]`: who the service is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ServiceSettings {
    /// Its name, and the consumer group of its subscribers.
    pub name: Option<Set<Text>>,
    /// Its version.
    pub version: Option<Set<Text>>,
    /// The name of this instance.
    pub instance: Option<Set<Text>>,
}

/// `[subscriber.NAME]`: what a deployment changes of a subscriber's attribute.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct SubscriberSettings {
    /// Topics and patterns, instead of the attribute's.
    pub topics: Option<Set<Vec<Text>>>,
    /// Consumer group.
    pub group: Option<Set<ConsumerGroup>>,
    /// Workers.
    pub concurrency: Option<Set<u32>>,
    /// Deliveries held at once.
    pub prefetch: Option<Set<u32>>,
    /// Time an attempt may take.
    pub timeout: Option<Set<Duration>>,
    /// Retries after the first attempt.
    pub retries: Option<Set<u32>>,
    /// The wait before each retry.
    pub backoff: Option<Set<Backoff>>,
    /// What becomes of messages that are given up.
    pub dead_letter: Option<Set<DeadLetters>>,
    /// The connection.
    pub transport: Option<Set<Text>>,
    /// Whether it runs.
    pub enabled: Option<Set<bool>>,
    /// Whether it has a circuit breaker.
    pub circuit_breaker: Option<Set<bool>>,
    /// What of it is changed.
    pub breaker: BreakerSettings,
    /// Whether it has a rate limit.
    pub rate_limit: Option<Set<bool>>,
    /// What of it is changed.
    pub rate: RateLimitSettings,
    /// Whether anything is said of its batches.
    pub batch: Option<Set<bool>>,
    /// What of them is changed.
    pub batching: BatchSettings,
}

/// `[subscriber.NAME.circuit_breaker]`: what a deployment changes of it, argument by argument.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct BreakerSettings {
    /// Consecutive failures that open it.
    pub failures: Option<Set<u32>>,
    /// How long it stays open.
    pub reset: Option<Set<Duration>>,
    /// Probes that it admits when it is half-open.
    pub half_open: Option<Set<u32>>,
    /// The share of failed attempts that opens it.
    pub rate: Option<Set<f64>>,
    /// The time over which that share is taken.
    pub window: Option<Set<Duration>>,
    /// Attempts below which it says nothing.
    pub min_volume: Option<Set<u32>>,
    /// The name under which it is shared.
    pub name: Option<Set<Text>>,
}

/// `[subscriber.NAME.rate_limit]`: what a deployment changes of it, argument by argument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct RateLimitSettings {
    /// Attempts a second.
    pub per_second: Option<Set<u32>>,
    /// Attempts at once.
    pub burst: Option<Set<u32>>,
}

/// `[subscriber.NAME.batch]`: what a deployment changes of it, argument by argument.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct BatchSettings {
    /// Most messages of one batch.
    pub max: Option<Set<u32>>,
    /// How long the first of them waits for others.
    pub within: Option<Set<Duration>>,
}

/// `[publisher.NAME]`: what a deployment changes of a publisher's attribute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PublisherSettings {
    /// How long one publication waits for its confirmation.
    pub confirm: Option<Set<Duration>>,
    /// When what is held back goes out; `None` in it: nothing is held back.
    pub batch: Option<Set<Option<Batching>>>,
    /// What bodies are compressed with.
    pub compression: Option<Set<Compression>>,
    /// How many publications an asynchronous publisher may hold.
    pub capacity: Option<Set<u32>>,
    /// What happens to what no queue takes.
    pub unrouted: Option<Set<Unrouted>>,
    /// The connection.
    pub transport: Option<Set<Text>>,
}

/// `[middleware.NAME]`: what a deployment changes of a global middleware.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct MiddlewareSettings {
    /// Whether it runs.
    pub enabled: Option<Set<bool>>,
    /// Smaller is further out.
    pub order: Option<Set<i32>>,
    /// The only subscribers, or publishers, that it runs around; empty: all.
    pub only: Option<Set<Vec<Text>>>,
    /// The subscribers, or publishers, that it does not run around.
    pub except: Option<Set<Vec<Text>>>,
}

/// `[saga.NAME]`: what a deployment changes of a saga's attribute.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct SagaSettings {
    /// Whether this process runs its instances; if not, it still starts them and asks about them.
    pub enabled: Option<Set<bool>>,
    /// How many of them it runs at once.
    pub concurrency: Option<Set<u32>>,
}

/// `[shutdown]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ShutdownSettings {
    /// How long a drain may take.
    pub drain: Option<Set<Duration>>,
}

/// `[limits]`; see [`Settings::limits`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct LimitSettings {
    /// Most bytes of a payload.
    pub payload: Option<Set<usize>>,
    /// Most bytes of a payload once it is decompressed.
    pub decompressed: Option<Set<usize>>,
    /// Most headers of a message.
    pub headers: Option<Set<usize>>,
    /// Most bytes of all headers of a message.
    pub header_bytes: Option<Set<usize>>,
}

/// Who shares a subscriber's messages, after configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerGroup {
    /// All instances of the service: the group is the service's name.
    Service,
    /// All that name this group.
    Named(Text),
    /// Nobody: every instance gets all.
    PerInstance,
}

/// What becomes of messages that are given up, after configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeadLetters {
    /// They go to `{group}.{name}.dlq`.
    Default,
    /// They go to this queue.
    Queue(Text),
    /// They are discarded, logged and counted.
    Discard,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_stand_where_nothing_is_set() {
        let settings = Settings::default();
        assert_eq!(settings.limits(), Limits::DEFAULT);
        assert_eq!(settings.drain(), Duration::from_secs(20));
        assert!(settings.section("orders").table().is_empty());
    }
}
