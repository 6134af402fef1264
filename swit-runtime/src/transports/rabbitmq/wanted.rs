//! What is wanted on the broker: exchanges, queues and bindings, as values, to be made or to be compared.
//!
//! No argument of a queue depends on what a deployment may tune, since the arguments of a queue that lives can't be
//! changed: dead letters travel through `swit.dead` with the queue's name as key, and where they go is a binding.

use lapin::{
    ExchangeKind,
    types::{AMQPValue, FieldTable, ShortString},
};

use super::{
    names::{self, DEAD, DISCARDED, Step},
    options::{QueueKind, RabbitMqOptions},
};
use crate::{
    text::Text,
    transport::{Binding, Queue, QueueRole},
};

/// How many of the messages that nobody takes are kept to be looked at.
const DISCARDED_KEPT: i64 = 1_000;

/// After how many milliseconds the queue of one instance ends that nobody consumes.
const ABANDONED: i64 = 30 * 60 * 1_000;

/// What is wanted on the broker. It is made in this order.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    pub(super) exchanges: Vec<WantedExchange>,
    pub(super) queues: Vec<WantedQueue>,
    pub(super) bindings: Vec<Binding>,
}

/// A durable exchange.
#[derive(Debug)]
pub(super) struct WantedExchange {
    pub(super) name: Text,
    pub(super) kind: ExchangeKind,
    pub(super) arguments: FieldTable,
}

/// A durable queue.
#[derive(Debug)]
pub(super) struct WantedQueue {
    pub(super) name: Text,
    pub(super) arguments: FieldTable,
}

impl Wanted {
    /// What all queues hang on.
    pub(super) fn common(options: &RabbitMqOptions) -> Self {
        let exchange = |name: Text, kind, alternate: Option<&str>| WantedExchange {
            name,
            kind,
            arguments: table(alternate.map(|alternate| ("alternate-exchange", text(alternate)))),
        };
        let kept = table([
            ("x-queue-type", text("classic")),
            ("x-max-length", AMQPValue::LongLongInt(DISCARDED_KEPT)),
            ("x-overflow", text("drop-head")),
        ]);
        Self {
            exchanges: vec![
                exchange(options.exchange.clone(), ExchangeKind::Topic, None),
                exchange(names::due(&options.exchange), ExchangeKind::Topic, Some(DISCARDED)),
                exchange(Text::from_static(DEAD), ExchangeKind::Direct, Some(DISCARDED)),
                exchange(Text::from_static(DISCARDED), ExchangeKind::Fanout, None),
            ],
            queues: vec![WantedQueue { name: Text::from_static(DISCARDED), arguments: kept }],
            bindings: vec![Binding::new(Text::from_static(DISCARDED), Text::from_static(DISCARDED), "")],
        }
    }

    /// A queue with its bindings, and the dead-letter queue that it names.
    pub(super) fn of(queue: &Queue, options: &RabbitMqOptions) -> Self {
        let wanted = |queue: &Queue| WantedQueue { name: queue.name.clone(), arguments: arguments(queue, options) };
        let mut all = Self { queues: vec![wanted(queue)], ..Self::default() };
        for pattern in &queue.patterns {
            for exchange in [options.exchange.clone(), names::due(&options.exchange)] {
                all.bindings.push(Binding::new(queue.name.clone(), exchange, pattern.clone()));
            }
        }
        if let Some(dead_letter) = &queue.dead_letter {
            all.queues.push(wanted(&Queue::dead_letter(dead_letter.clone())));
            let dead = Text::from_static(DEAD);
            all.bindings.push(Binding::new(dead_letter.clone(), dead, queue.name.clone()));
        }
        all
    }

    /// All that these queues need, each thing once. Existing queues are somebody else's, exclusive ones come and go.
    pub(super) fn lasting(queues: &[Queue], options: &RabbitMqOptions) -> Self {
        let mut all = Self::common(options);
        for queue in queues.iter().filter(|queue| !queue.existing && !queue.exclusive) {
            let Self { queues, bindings, .. } = Self::of(queue, options);
            for queue in queues {
                if !all.queues.iter().any(|known| known.name == queue.name) {
                    all.queues.push(queue);
                }
            }
            for binding in bindings {
                if !all.bindings.contains(&binding) {
                    all.bindings.push(binding);
                }
            }
        }
        all
    }

    /// The queue in which copies for `queue` wait, whose time to live is the step.
    pub(super) fn retry_queue(queue: &str, step: Step, options: &RabbitMqOptions) -> Self {
        let target = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(queue))];
        let arguments = delayed(options.queues, step, target);
        let queue = WantedQueue { name: names::retry_queue(queue, step), arguments };
        Self { queues: vec![queue], ..Self::default() }
    }

    /// The exchange and the queue in which delayed events wait.
    pub(super) fn delay(step: Step, options: &RabbitMqOptions) -> Self {
        let name = names::delay(&options.exchange, step);
        let target = [("x-dead-letter-exchange", text(&names::due(&options.exchange)))];
        let arguments = delayed(options.queues, step, target);
        Self {
            exchanges: vec![WantedExchange {
                name: name.clone(),
                kind: ExchangeKind::Fanout,
                arguments: FieldTable::default(),
            }],
            queues: vec![WantedQueue { name: name.clone(), arguments }],
            bindings: vec![Binding::new(name.clone(), name, "")],
        }
    }
}

/// What a queue is declared with.
fn arguments(queue: &Queue, options: &RabbitMqOptions) -> FieldTable {
    let is_quorum = options.queues == QueueKind::Quorum;
    let mut arguments = vec![("x-queue-type", text(if is_quorum { "quorum" } else { "classic" }))];
    if queue.role == QueueRole::Subscriber {
        arguments.push(("x-dead-letter-exchange", text(DEAD)));
        arguments.push(("x-dead-letter-routing-key", text(&queue.name)));
        if queue.exclusive {
            // Not exclusive in the protocol's sense, which would end it with its connection, and all that it holds. It is
            // deleted when its subscription is closed; if nobody is left who could, it ends by itself.
            arguments.push(("x-expires", AMQPValue::LongLongInt(ABANDONED)));
        }
        if queue.single_active {
            arguments.push(("x-single-active-consumer", AMQPValue::Boolean(true)));
        }
        if is_quorum {
            arguments.push(("x-delivery-limit", AMQPValue::LongLongInt(i64::from(options.delivery_limit))));
            arguments.extend(at_least_once());
        }
    }
    table(arguments)
}

/// A dead letter leaves its queue when the queue that it goes to has confirmed it. It takes this overflow behaviour.
fn at_least_once() -> [(&'static str, AMQPValue); 2] {
    [("x-dead-letter-strategy", text("at-least-once")), ("x-overflow", text("reject-publish"))]
}

fn delayed<const N: usize>(kind: QueueKind, step: Step, target: [(&'static str, AMQPValue); N]) -> FieldTable {
    let mut arguments = vec![("x-message-ttl", AMQPValue::LongLongInt(step.millis()))];
    arguments.extend(target);
    match kind {
        QueueKind::Quorum => {
            arguments.push(("x-queue-type", text("quorum")));
            arguments.extend(at_least_once());
        }
        QueueKind::Classic => arguments.push(("x-queue-type", text("classic"))),
    }
    table(arguments)
}

pub(super) fn table<'a>(arguments: impl IntoIterator<Item = (&'a str, AMQPValue)>) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in arguments {
        // All names are literals.
        if let Ok(name) = ShortString::try_new(name) {
            table.insert(name, value);
        }
    }
    table
}

fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}
