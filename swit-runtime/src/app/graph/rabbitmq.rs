//! What a RabbitMQ transport asks of its subscribers, seen before anything is declared or consumed.
//!
//! Guarantee: no attempt is planned to outlast what the broker allows, and no name is made that it can't hold.

use std::{sync::Arc, time::Duration};

use swit_grammar::{
    duration,
    limits::MAX_TOPIC,
    subscriber::{AckMode, Order},
};

use super::{Faults, Node};
use crate::{
    app::{
        builder::App,
        config::{Origin, QueueType, Settings, SubscriberSettings, TransportKind},
    },
    classify::{Backoff, Class},
    text::Text,
    transport::Transport,
    transports::rabbitmq::{Address, RabbitMqOptions},
};

/// What the longest names that are made of a queue's add to it.
const LONGEST_SUFFIX: &str = ".retry.12h";

/// A RabbitMQ transport as its rules see it.
struct Broker<'a> {
    name: &'a str,
    /// With the layer that set it, if one did.
    ack_limit: Option<(Duration, Option<&'a Origin>)>,
    classic: bool,
}

/// Holds the subscribers of all RabbitMQ transports to what those allow.
pub(super) fn check(app: &App, settings: &Settings, nodes: &[Node], faults: &mut Faults) {
    hold(brokers(app, settings), settings, nodes, faults);
}

/// Holds a subscriber that is made while the service runs to what the transports that it runs on allow.
pub(crate) fn check_later(transports: &[Arc<dyn Transport>], settings: &Settings, node: &Node, faults: &mut Faults) {
    hold(given(transports), settings, std::slice::from_ref(node), faults);
}

fn hold<'a>(brokers: impl Iterator<Item = Broker<'a>>, settings: &Settings, nodes: &[Node], faults: &mut Faults) {
    let nothing = SubscriberSettings::default();
    for broker in brokers {
        for node in nodes.iter().filter(|node| node.resolved.transport == *broker.name) {
            names(node, &broker, faults);
            if let Some((limit, origin)) = broker.ack_limit
                && node.resolved.enabled
                && node.resolved.ack != AckMode::None
            {
                let set = settings.subscribers.get(&node.registration.name).unwrap_or(&nothing);
                Times { node, set, broker: broker.name, limit, origin }.check(faults);
            }
        }
    }
}

/// What is lost where queues are classic.
pub(super) fn warnings(app: &App, settings: &Settings) -> Vec<String> {
    let classic = |broker: &Broker<'_>| {
        format!(
            "transport `{}`: its queues are classic, which count no redeliveries: a message that kills its process is \
             delivered again and again and never given up; `queues = \"quorum\"` counts them",
            broker.name
        )
    };
    brokers(app, settings).filter(|broker| broker.classic).map(|broker| classic(&broker)).collect()
}

fn brokers<'a>(app: &'a App, settings: &'a Settings) -> impl Iterator<Item = Broker<'a>> {
    let given = given(&app.transports);
    let is_given = |name: &str| app.transports.iter().any(|known| known.name() == name);
    let configured = settings.transports.iter().filter(move |(name, _)| !is_given(name));
    given.chain(configured.filter(|(_, set)| set.kind() == TransportKind::RabbitMq).map(|(name, set)| Broker {
        name,
        ack_limit: Some(
            set.ack_limit.as_ref().map_or((default_ack_limit(), None), |set| (set.value, Some(&set.origin))),
        ),
        classic: set.queues.as_ref().is_some_and(|set| set.value == QueueType::Classic),
    }))
}

fn given(transports: &[Arc<dyn Transport>]) -> impl Iterator<Item = Broker<'_>> {
    transports.iter().filter(|known| known.system() == "rabbitmq").map(|known| Broker {
        name: known.name(),
        ack_limit: known.ack_limit().map(|limit| (limit, None)),
        classic: !known.capabilities().redelivery_count,
    })
}

fn default_ack_limit() -> Duration {
    // The address is a literal that reads; the limit is the same for every address.
    Address::parse("amqp://", false).map_or(Duration::MAX, |address| RabbitMqOptions::new(address).ack_limit)
}

/// The protocol holds a name of at most 255 bytes.
fn names(node: &Node, broker: &Broker<'_>, faults: &mut Faults) {
    let retry = Text::from(format!("{}{LONGEST_SUFFIX}", node.queue.name));
    let made = [
        ("queue", (!node.queue.existing).then_some(&node.queue.name)),
        ("dead-letter queue", node.dead_letter.as_ref()),
        ("queue of its longest retry", (node.resolved.ack != AckMode::None).then_some(&retry)),
    ];
    // One that is too long already makes the others too long.
    let long = made.into_iter().filter_map(|(what, name)| name.map(|name| (what, name)));
    let Some((what, name)) = long.into_iter().find(|(_, name)| name.len() > MAX_TOPIC) else { return };
    faults.add(
        node.registration.location,
        format!(
            "the {what} of the subscriber `{}` is named in {} bytes, and RabbitMQ (transport `{}`) holds {MAX_TOPIC}: \
             \"{name}\"",
            node.registration.name,
            name.len(),
            broker.name
        ),
        "shorten the subscriber's `name`, its `group`, `service.instance`, or the queue that it names",
    );
}

/// What waits for its turn goes back before half of the limit is over, and what is handled has the other half: so no attempt
/// may last longer, and where retries happen in place, all of them together may not.
struct Times<'a> {
    node: &'a Node,
    set: &'a SubscriberSettings,
    broker: &'a str,
    limit: Duration,
    origin: Option<&'a Origin>,
}

impl Times<'_> {
    fn check(&self, faults: &mut Faults) {
        let resolved = &self.node.resolved;
        let (half, name, broker) = (self.limit / 2, &self.node.registration.name, self.broker);
        let show = |time| duration::format(time);
        let (limit, timeout) = (show(self.limit), show(resolved.timeout));
        let timeout_origin = self.set.timeout.as_ref().map(|set| &set.origin);
        let raise = format!("raise `consumer_timeout` on the broker, and `transport.{broker}.ack_limit` with it");
        if resolved.timeout > half {
            let message = format!(
                "subscriber `{name}`: its `timeout` ({timeout}) is above half of the `ack_limit` ({limit}) of the \
                 transport `{broker}`: the delivery would be taken from it before"
            );
            let help = format!("lower `timeout` to at most {}, or {raise}", show(half));
            faults.add(self.place([timeout_origin, self.origin, None, None, None]), message, help);
            return;
        }
        let within = resolved.batch.map_or(Duration::ZERO, |batch| batch.within());
        if within.saturating_add(resolved.timeout) > half {
            let message = format!(
                "subscriber `{name}`: the `within` of its `batch` ({}) and its `timeout` ({timeout}) are together above half \
                 of the `ack_limit` ({limit}) of the transport `{broker}`: what was collected first would be taken from it \
                 before",
                show(within)
            );
            let help = format!("lower them to at most {} together, or {raise}", show(half));
            let within = self.set.batching.within.as_ref().map(|set| &set.origin);
            faults.add(self.place([timeout_origin, self.origin, within, None, None]), message, help);
            return;
        }
        if resolved.order == Order::Unordered {
            return;
        }
        let (attempts, delays) = (retries(resolved.retries) + 1, delays(resolved.retries, resolved.backoff));
        let reset = resolved.circuit_breaker.as_ref().map_or(Duration::ZERO, |breaker| breaker.numbers.limits().reset);
        // Between two attempts its breaker may be open once.
        let waits = delays.saturating_add(reset.saturating_mul(attempts - 1));
        let total = resolved.timeout.saturating_mul(attempts).saturating_add(waits);
        if total > half {
            let (open, lower) = if reset.is_zero() {
                ("", "`timeout` or `backoff`")
            } else {
                (", an open circuit breaker included,", "`timeout`, `backoff` or the breaker's `reset`")
            };
            let message = format!(
                "subscriber `{name}` is ordered, so that its retries happen in place: {attempts} attempts of {timeout} \
                 and {} of delays between them{open} are {}, above half of the `ack_limit` ({limit}) of the transport `{broker}`",
                show(waits),
                show(total)
            );
            let help = format!("lower `retries`, {lower} to at most {} together, or {raise}", show(half));
            let retries = self.set.retries.as_ref().map(|set| &set.origin);
            let backoff = self.set.backoff.as_ref().map(|set| &set.origin);
            let opened = self.set.breaker.reset.as_ref().map(|set| &set.origin);
            faults.add(self.place([timeout_origin, self.origin, retries, backoff, opened]), message, help);
        }
    }

    /// The layer that was applied last, else the attribute's place.
    fn place(&self, origins: [Option<&Origin>; 5]) -> String {
        let latest = origins.into_iter().flatten().max_by_key(|origin| origin.rank());
        latest.map_or_else(|| self.node.registration.location.to_string(), ToString::to_string)
    }
}

/// The most retries that a failure may get: what is written is the ceiling, else the most that a class has.
///
/// An error may ask for more of its own where nothing is written; that is known when it happens.
fn retries(written: Option<u32>) -> u32 {
    let classes = [Class::Transient, Class::Throttle, Class::SystemFailure];
    written.unwrap_or_else(|| classes.into_iter().map(Class::retries).max().unwrap_or_default())
}

/// All delays between attempts, at their longest.
fn delays(written: Option<u32>, backoff: Option<Backoff>) -> Duration {
    let sum = |retries: u32, backoff: Backoff| {
        (1..=retries).map(|retry| backoff.wait(retry)).fold(Duration::ZERO, Duration::saturating_add)
    };
    if let Some(backoff) = backoff {
        return sum(retries(written), backoff);
    }
    let classes = [Class::Transient, Class::Throttle, Class::SystemFailure];
    let of = |class: Class| sum(written.unwrap_or_else(|| class.retries()), class.backoff());
    classes.into_iter().map(of).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_delays_are_summed() {
        let seconds = Duration::from_secs;
        for (retries, backoff, expected) in [
            (Some(0), None, 0),
            // 1, 2, 4 exponential; 1, 2, 3 linear.
            (Some(3), None, 7),
            // Transient: 1, 2, 4, 8, 16.
            (None, None, 31),
            (None, Some(Backoff::fixed(seconds(2))), 10),
            (Some(2), Some(Backoff::linear(seconds(10))), 30),
            (Some(4), Some(Backoff::None), 0),
            // Linear grows beyond the exponential's longest wait.
            (Some(100), None, 5_050),
        ] {
            assert_eq!(delays(retries, backoff), seconds(expected), "{retries:?} {backoff:?}");
        }
        assert_eq!(retries(None), 5);
    }
}
