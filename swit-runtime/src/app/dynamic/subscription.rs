//! [`Subscription`]: the options of a subscriber that is made while the service runs.

use swit_grammar::{
    Fault,
    name::{check_event_type, check_name, check_queue},
    topic::check_pattern,
};

use super::Policies;
use crate::{
    app::config::ConsumerGroup,
    codec::Codec,
    registry::{AckMode, Location, Order},
    text::Text,
};

/// A subscriber in the making: the keys of `#[subscriber]`, for one that is made while the service runs.
///
/// ```
/// use swit_runtime::app::{Policies, Subscription};
///
/// let audit = Subscription::new("order.*").concurrency(4).policies(Policies::new().retries(1));
/// let mirror = Subscription::new("payment.completed").topic("payment.failed").name("mirror").per_instance();
/// # let _ = (audit, mirror);
/// ```
///
/// What is not named is as in an attribute: the group is the service's, the queue `{group}.{name}`, one worker. Its name
/// is `{topic}-handler` where none is given, of the first topic, with `any` for `*` and `all` for `#`. A section
/// `[subscriber.NAME]` of the configuration goes before what is written here, if the app expects the name
/// (`App::expect_subscriber`).
#[derive(Debug, Clone)]
#[must_use = "options make no subscriber; pass them to `Handle::subscribe`"]
pub struct Subscription {
    pub(super) location: Location,
    pub(super) name: Option<Text>,
    pub(super) topics: Vec<Text>,
    pub(super) event: Option<Text>,
    pub(super) queue: Option<Text>,
    pub(super) group: Option<ConsumerGroup>,
    pub(super) concurrency: Option<u32>,
    pub(super) prefetch: Option<u32>,
    pub(super) order: Option<Order>,
    pub(super) ack: Option<AckMode>,
    pub(super) codec: Option<Codec>,
    pub(super) transport: Option<Text>,
    pub(super) policies: Policies,
}

impl Subscription {
    /// To this topic, or to all topics of this pattern.
    #[track_caller]
    pub fn new(topic: impl Into<Text>) -> Self {
        Self::as_written().topic(topic)
    }

    /// As the attribute of a linked handler says, for [`Handle::subscribe_to`](crate::app::Handle::subscribe_to); a closure
    /// has none, and is subscribed to the topics of the events that it takes.
    #[track_caller]
    pub fn as_written() -> Self {
        let place = std::panic::Location::caller();
        Self {
            location: Location { module: "", file: place.file(), line: place.line() },
            name: None,
            topics: Vec::new(),
            event: None,
            queue: None,
            group: None,
            concurrency: None,
            prefetch: None,
            order: None,
            ack: None,
            codec: None,
            transport: None,
            policies: Policies::new(),
        }
    }

    /// Of a queue that exists already, and is neither made nor bound: one of somebody else's topology, or dead letters.
    #[track_caller]
    pub fn of_queue(queue: impl Into<Text>) -> Self {
        Self { queue: Some(queue.into()), ..Self::as_written() }
    }

    /// To this topic or pattern as well.
    pub fn topic(mut self, topic: impl Into<Text>) -> Self {
        self.topics.push(topic.into());
        self
    }

    /// Called this; unique among the subscribers of the service.
    pub fn name(mut self, name: impl Into<Text>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sharing its messages with all that name this group, instead of the instances of the service.
    pub fn group(mut self, group: impl Into<Text>) -> Self {
        self.group = Some(ConsumerGroup::Named(group.into()));
        self
    }

    /// Sharing its messages with nobody: this instance gets all. Its queue ends with it.
    pub fn per_instance(mut self) -> Self {
        self.group = Some(ConsumerGroup::PerInstance);
        self
    }

    /// Takes events of this type alone; others are acknowledged and counted as filtered.
    pub fn event(mut self, event_type: impl Into<Text>) -> Self {
        self.event = Some(event_type.into());
        self
    }

    /// With so many workers.
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = Some(workers);
        self
    }

    /// Holding at most so many deliveries at once.
    pub fn prefetch(mut self, deliveries: u32) -> Self {
        self.prefetch = Some(deliveries);
        self
    }

    /// One message after the other, in the queue's order.
    pub fn ordered(mut self) -> Self {
        self.order = Some(Order::Subscription);
        self
    }

    /// Messages of one key one after the other.
    pub fn ordered_by_key(mut self) -> Self {
        self.order = Some(Order::Key);
        self
    }

    /// Messages with one value of this header one after the other.
    pub fn ordered_by_header(mut self, header: &'static str) -> Self {
        self.order = Some(Order::Header(header));
        self
    }

    /// The handler settles, with its `Ack` argument.
    pub fn manual_ack(mut self) -> Self {
        self.ack = Some(AckMode::Manual);
        self
    }

    /// A message counts as done when it is handed out: at most once, no retry, no dead letter.
    pub fn no_ack(mut self) -> Self {
        self.ack = Some(AckMode::None);
        self
    }

    /// Refuses payloads of other codecs.
    pub fn codec(mut self, codec: Codec) -> Self {
        self.codec = Some(codec);
        self
    }

    /// From this transport.
    pub fn transport(mut self, transport: impl Into<Text>) -> Self {
        self.transport = Some(transport.into());
        self
    }

    /// With these policies, in place of those that were given before.
    pub fn policies(mut self, policies: Policies) -> Self {
        self.policies = policies;
        self
    }

    /// What it is called if it is given no name.
    pub(super) fn default_name(&self) -> Option<Text> {
        let source = self.topics.first().or(self.queue.as_ref())?;
        let words = source.split('.').map(|word| match word {
            "*" => "any".to_owned(),
            "#" => "all".to_owned(),
            word => {
                let fits = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') { c } else { '-' };
                word.chars().map(fits).collect()
            }
        });
        let name = words.collect::<Vec<_>>().join(".");
        Some(Text::from(format!("{}-handler", name.trim_start_matches(['-', '_', '.']))))
    }

    /// What is wrong with its texts, as the macro would say of an attribute's.
    pub(super) fn check(&self, name: &str, faults: &mut Vec<Fault>) {
        let mut check = |key, checked: Result<(), Fault>| faults.extend(checked.err().map(|fault| fault.at(key)));
        check("name", check_name(name));
        for (index, topic) in self.topics.iter().enumerate() {
            check("topic", check_pattern(topic));
            if self.topics[..index].contains(topic) {
                check("topic", Err(Fault::new(format!("the topic `{topic}` is given twice"), "give it once")));
            }
        }
        if let Some(queue) = &self.queue {
            check("queue", check_queue(queue));
            if !self.topics.is_empty() {
                let message = format!("an existing queue is consumed as it is, but topics are given with `{queue}`");
                check("topic", Err(Fault::new(message, "bind the queue on the broker, or give topics alone")));
            }
            if self.group.is_some() {
                let message = format!("an existing queue has no group, but one is given with `{queue}`");
                check("group", Err(Fault::new(message, "leave the group out")));
            }
        }
        if let Some(ConsumerGroup::Named(group)) = &self.group {
            check("group", check_name(group));
        }
        if let Some(event) = &self.event {
            check("event", check_event_type(event));
        }
        if let Some(transport) = &self.transport {
            check("transport", check_name(transport));
        }
        if let Some(crate::app::config::DeadLetters::Queue(queue)) = &self.policies.dead_letter {
            check("dead_letter", check_queue(queue));
        }
        if let Some(name) = self.policies.circuit_breaker.as_ref().and_then(|breaker| breaker.name.as_ref()) {
            check("circuit_breaker", check_name(name));
        }
        for (index, (middleware, _)) in self.policies.middleware.iter().enumerate() {
            check("middleware", check_name(middleware));
            if self.policies.middleware[..index].iter().any(|(other, _)| other == middleware) {
                let message = format!("the middleware `{middleware}` is given twice");
                check("middleware", Err(Fault::new(message, "give one of them another name")));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_name_is_a_valid_one() {
        for (topic, name) in [
            ("order.created", "order.created-handler"),
            ("order.*", "order.any-handler"),
            ("#", "all-handler"),
            ("*.größe.#", "any.gr--e.all-handler"),
            ("_x", "x-handler"),
        ] {
            let made = Subscription::new(topic).default_name().unwrap();
            assert_eq!(made, *name);
            assert!(check_name(&made).is_ok(), "{made}");
        }
    }
}
