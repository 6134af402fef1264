//! A subscriber's settings laid over its attribute, and checked again as one.

use std::{fmt, time::Duration};

use swit_grammar::{
    Backoff, Batch, Breaker, Fault, RateLimit,
    subscriber::{AckMode, Keys, Order},
};

use super::{ConsumerGroup, DeadLetters, Origin, Set, Settings, SubscriberSettings};
use crate::{
    app::suggest::suggest,
    codec::Codec,
    error::StartupFault,
    registry::{DeadLetter, Group, Location, SubscriberSpec},
    text::Text,
};

/// A subscriber as it will run: its attribute with what the configuration changed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ResolvedSubscriber {
    /// Its name.
    pub name: Text,
    /// Topics and patterns; empty: the topics of the event type.
    pub topics: Vec<Text>,
    /// Event types other than this are acknowledged and counted as filtered.
    pub event: Option<Text>,
    /// An existing queue.
    pub queue: Option<Text>,
    /// Who shares its messages.
    pub group: ConsumerGroup,
    /// Workers.
    pub concurrency: u32,
    /// Deliveries held at once: as written, else twice the workers and at least 32.
    pub prefetch: u32,
    /// What keeps its order.
    pub order: Order,
    /// Who settles.
    pub ack: AckMode,
    /// Time an attempt may take.
    pub timeout: Duration,
    /// Retries, where written.
    pub retries: Option<u32>,
    /// Backoff, where written.
    pub backoff: Option<Backoff>,
    /// What becomes of messages that are given up.
    pub dead_letter: DeadLetters,
    /// Whether it runs.
    pub enabled: bool,
    /// The only codec that is accepted.
    pub codec: Option<Codec>,
    /// The connection.
    pub transport: Text,
    /// The circuit breaker, where it has one.
    pub circuit_breaker: Option<ResolvedBreaker>,
    /// The rate limit, where it has one.
    pub rate_limit: Option<RateLimit>,
    /// The numbers of its batches, where it takes its messages together.
    pub batch: Option<Batch>,
    /// Whether it claims each message in the transaction that its handler writes in.
    pub inbox: bool,
}

/// A circuit breaker, after configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct ResolvedBreaker {
    /// What opens and closes it.
    pub numbers: Breaker,
    /// What it is called; those that name one breaker share it. The subscriber's name, where nothing is written.
    pub name: Text,
}

/// Lays the settings of the subscriber `name` over its attribute `spec`, which stands at `location`.
///
/// The result is checked as the macro checked the attribute. A fault names the layer that set the key; where two keys
/// disagree, the later layer of both; else the attribute's `file:line`.
pub fn resolve(
    spec: &SubscriberSpec,
    name: &str,
    location: Location,
    settings: &Settings,
) -> (ResolvedSubscriber, Vec<StartupFault>) {
    let nothing = SubscriberSettings::default();
    let set = settings.subscribers.get(name).unwrap_or(&nothing);
    let resolved = merge(spec, name, set);
    let place = Place { name, location };
    let mut faults: Vec<_> =
        grammar(spec, &resolved, set).iter().map(|(fault, origin)| place.fault(fault, *origin)).collect();
    if let (Some(topics), Some(queue)) = (&set.topics, spec.queue) {
        let message = format!("`topics` can't be set for a subscriber that consumes the queue \"{queue}\"");
        let fault =
            Fault::new(message, "bind the queue on the broker, or remove `queue` from the attribute").at("topics");
        faults.push(place.fault(&fault, Some(&topics.origin)));
    }
    if let (Some(batch), None) = (&set.batch, spec.batch) {
        let message = "it handles one message at a time, and `batch` changes the numbers of those that take many";
        let help = "remove it; which a handler does is said by its function: `#[subscriber(batch(max = 100, within = \"100ms\"))]`";
        faults.push(place.fault(&Fault::new(message, help).at("batch"), Some(&batch.origin)));
    }
    let transports = || settings.transports.keys().map(Text::as_str).chain(["default"]);
    if resolved.enabled && !transports().any(|known| known == resolved.transport.as_str()) {
        let message = format!("there is no transport `{}`", resolved.transport);
        let help = format!(
            "configure `[transport.{}]`. {}",
            resolved.transport,
            suggest(&resolved.transport, transports(), "transports: ")
        );
        faults.push(place.fault(&Fault::new(message, help).at("transport"), origin(set.transport.as_ref())));
    }
    (resolved, faults)
}

/// Where a subscriber's faults are told.
struct Place<'a> {
    name: &'a str,
    location: Location,
}

impl Place<'_> {
    fn fault(&self, fault: &Fault, origin: Option<&Origin>) -> StartupFault {
        let (location, subject): (&dyn fmt::Display, _) = match origin {
            Some(origin) => (origin, format!("`subscriber.{}.{}`", self.name, fault.key)),
            None => (&self.location, format!("subscriber `{}`", self.name)),
        };
        StartupFault::new(location, format!("{subject}: {}", fault.message), fault.help.clone())
    }
}

fn merge(spec: &SubscriberSpec, name: &str, set: &SubscriberSettings) -> ResolvedSubscriber {
    let group = match spec.group {
        Group::Service => ConsumerGroup::Service,
        Group::Named(name) => ConsumerGroup::Named(Text::from_static(name)),
        Group::PerInstance => ConsumerGroup::PerInstance,
    };
    let dead_letter = match spec.dead_letter {
        DeadLetter::Default => DeadLetters::Default,
        DeadLetter::Queue(name) => DeadLetters::Queue(Text::from_static(name)),
        DeadLetter::Discard => DeadLetters::Discard,
    };
    let topics = || spec.topics.iter().copied().map(Text::from_static).collect();
    let concurrency = value(set.concurrency.as_ref()).unwrap_or(spec.concurrency);
    let batch = batch(spec, set);
    let prefetch = value(set.prefetch.as_ref()).or(spec.prefetch);
    let keys = Keys { concurrency, prefetch, batch, ..spec.keys() };
    ResolvedSubscriber {
        name: name.into(),
        topics: value(set.topics.as_ref()).unwrap_or_else(topics),
        event: spec.event.map(Text::from_static),
        queue: spec.queue.map(Text::from_static),
        group: value(set.group.as_ref()).unwrap_or(group),
        concurrency,
        prefetch: keys.prefetch(),
        order: spec.order,
        ack: spec.ack,
        timeout: value(set.timeout.as_ref()).unwrap_or(spec.timeout),
        retries: value(set.retries.as_ref()).or(spec.retries),
        backoff: value(set.backoff.as_ref()).or(spec.backoff),
        dead_letter: value(set.dead_letter.as_ref()).unwrap_or(dead_letter),
        enabled: value(set.enabled.as_ref()).unwrap_or(spec.enabled),
        codec: spec.codec,
        transport: value(set.transport.as_ref()).unwrap_or(Text::from_static(spec.transport)),
        circuit_breaker: breaker(spec, name, set),
        rate_limit: rate_limit(spec, set),
        batch,
        inbox: spec.inbox,
    }
}

/// The breaker: argument by argument what is configured, else what is written. One that is only written may be switched
/// off, and one that is not written on.
fn breaker(spec: &SubscriberSpec, name: &str, set: &SubscriberSettings) -> Option<ResolvedBreaker> {
    let written = spec.circuit_breaker;
    if !value(set.circuit_breaker.as_ref()).unwrap_or(written.is_some()) {
        return None;
    }
    let (numbers, changed) = (written.map(|spec| spec.numbers).unwrap_or_default(), &set.breaker);
    let own = || written.and_then(|spec| spec.name).map(Text::from_static);
    Some(ResolvedBreaker {
        numbers: Breaker {
            failures: value(changed.failures.as_ref()).or(numbers.failures),
            reset: value(changed.reset.as_ref()).or(numbers.reset),
            half_open: value(changed.half_open.as_ref()).or(numbers.half_open),
            rate: value(changed.rate.as_ref()).or(numbers.rate),
            window: value(changed.window.as_ref()).or(numbers.window),
            min_volume: value(changed.min_volume.as_ref()).or(numbers.min_volume),
        },
        name: value(changed.name.as_ref()).or_else(own).unwrap_or_else(|| name.into()),
    })
}

fn rate_limit(spec: &SubscriberSpec, set: &SubscriberSettings) -> Option<RateLimit> {
    let written = spec.rate_limit;
    if !value(set.rate_limit.as_ref()).unwrap_or(written.is_some()) {
        return None;
    }
    let (written, changed) = (written.unwrap_or_default(), &set.rate);
    Some(RateLimit {
        per_second: value(changed.per_second.as_ref()).or(written.per_second),
        burst: value(changed.burst.as_ref()).or(written.burst),
    })
}

/// The numbers of a batch handler: argument by argument what is configured, else what is written.
fn batch(spec: &SubscriberSpec, set: &SubscriberSettings) -> Option<Batch> {
    let written = spec.batch?;
    Some(Batch {
        max: value(set.batching.max.as_ref()).or(written.max),
        within: value(set.batching.within.as_ref()).or(written.within),
    })
}

/// What the grammar says of the result, each with the layer to blame.
fn grammar<'s>(
    spec: &SubscriberSpec,
    resolved: &ResolvedSubscriber,
    set: &'s SubscriberSettings,
) -> Vec<(Fault, Option<&'s Origin>)> {
    // Of a service's own group the queue's name is not known here; its dead-letter queue can't be named like it by chance.
    let own_queue = match (&resolved.queue, &resolved.group) {
        (Some(queue), _) => Some(queue.to_string()),
        (None, ConsumerGroup::Named(group)) => Some(format!("{group}.{}", resolved.name)),
        (None, _) => None,
    };
    let keys = Keys {
        concurrency: resolved.concurrency,
        prefetch: value(set.prefetch.as_ref()).or(spec.prefetch),
        order: resolved.order,
        ack: resolved.ack,
        timeout: resolved.timeout,
        retries: resolved.retries,
        backoff: resolved.backoff,
        dead_letter: match &resolved.dead_letter {
            DeadLetters::Queue(name) => Some(name),
            DeadLetters::Default | DeadLetters::Discard => None,
        },
        queue: own_queue.as_deref(),
        circuit_breaker: resolved.circuit_breaker.as_ref().map(|breaker| breaker.numbers),
        rate_limit: resolved.rate_limit,
        batch: resolved.batch,
        inbox: resolved.inbox,
    };
    let later = |one: Option<&'s Origin>, other: Option<&'s Origin>| {
        [one, other].into_iter().flatten().max_by_key(|origin| origin.rank())
    };
    let blame = |key: &str| match key {
        "concurrency" => origin(set.concurrency.as_ref()),
        // Below `concurrency`, or what that many batches hold: whichever was set last.
        "prefetch" => later(
            origin(set.prefetch.as_ref()),
            later(origin(set.concurrency.as_ref()), origin(set.batching.max.as_ref())),
        ),
        // More than can be prefetched: whichever of the two was set last.
        "batch.max" => later(origin(set.batching.max.as_ref()), origin(set.concurrency.as_ref())),
        "batch.within" => origin(set.batching.within.as_ref()),
        "timeout" => origin(set.timeout.as_ref()),
        "retries" => origin(set.retries.as_ref()),
        "backoff" => origin(set.backoff.as_ref()),
        // The subscriber's own queue: whichever made it the same.
        "dead_letter" => origin(set.dead_letter.as_ref()).or_else(|| origin(set.group.as_ref())),
        "circuit_breaker.failures" => origin(set.breaker.failures.as_ref()),
        "circuit_breaker.reset" => origin(set.breaker.reset.as_ref()),
        "circuit_breaker.half_open" => origin(set.breaker.half_open.as_ref()),
        "circuit_breaker.rate" => origin(set.breaker.rate.as_ref()),
        "circuit_breaker.window" => origin(set.breaker.window.as_ref()),
        "circuit_breaker.min_volume" => origin(set.breaker.min_volume.as_ref()),
        "rate_limit.per_second" => origin(set.rate.per_second.as_ref()).or_else(|| origin(set.rate_limit.as_ref())),
        // Too small for the rate: whichever of the two was set last.
        "rate_limit.burst" => later(origin(set.rate.burst.as_ref()), origin(set.rate.per_second.as_ref())),
        _ => None,
    };
    keys.faults().into_iter().map(|fault| (blame(fault.key), fault)).map(|(origin, fault)| (fault, origin)).collect()
}

fn value<T: Clone>(set: Option<&Set<T>>) -> Option<T> {
    set.map(|set| set.value.clone())
}

fn origin<T>(set: Option<&Set<T>>) -> Option<&Origin> {
    set.map(|set| &set.origin)
}

#[cfg(test)]
mod tests;
