//! Exchanges, queues and bindings on the broker.
//!
//! No argument of a queue depends on what a deployment may tune, since the arguments of a queue that lives can't be
//! changed: dead letters travel through `swit.dead` with the queue's name as key, and where they go is a binding.

use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{AMQPValue, FieldTable, ShortString},
};
use tokio::time::timeout;

use super::{
    core::Core,
    link::{PATIENCE, Up},
    names::{self, DEAD, DISCARDED, Step},
    options::{QueueKind, RabbitMqOptions},
};
use crate::{
    error::TransportError,
    transport::{Queue, QueueRole},
};

/// How many of the messages that nobody takes are kept to be looked at.
const DISCARDED_KEPT: i64 = 1_000;

/// After how many milliseconds the queue of one instance ends that nobody consumes.
const ABANDONED: i64 = 30 * 60 * 1_000;

/// Requests to the broker on one channel. An error closes the channel, as the protocol has it.
pub(super) struct Declaring<'a> {
    options: &'a RabbitMqOptions,
    channel: Channel,
}

impl<'a> Declaring<'a> {
    pub(super) async fn on(up: &Up, options: &'a RabbitMqOptions) -> Result<Self, lapin::Error> {
        Ok(Self { options, channel: up.channel().await? })
    }

    /// The exchanges that all queues hang on.
    pub(super) async fn exchanges(&self) -> Result<(), lapin::Error> {
        let exchange = &*self.options.exchange;
        if !self.options.declare {
            return self.exchange_exists(exchange).await;
        }
        self.exchange(exchange, ExchangeKind::Topic, None).await?;
        self.exchange(&names::due(exchange), ExchangeKind::Topic, Some(DISCARDED)).await?;
        self.exchange(DEAD, ExchangeKind::Direct, Some(DISCARDED)).await?;
        self.exchange(DISCARDED, ExchangeKind::Fanout, None).await?;
        let kept = table([
            ("x-queue-type", text("classic")),
            ("x-max-length", AMQPValue::LongLongInt(DISCARDED_KEPT)),
            ("x-overflow", text("drop-head")),
        ]);
        self.queue(DISCARDED, DURABLE, kept).await?;
        self.bind(DISCARDED, DISCARDED, "").await
    }

    /// A queue with its bindings, and the dead-letter queue that it names.
    pub(super) async fn queue_with_bindings(&self, queue: &Queue) -> Result<(), lapin::Error> {
        if queue.existing || !self.options.declare {
            return self.queue_exists(&queue.name).await;
        }
        self.queue(&queue.name, DURABLE, arguments(queue, self.options)).await?;
        for pattern in &queue.patterns {
            self.bind(&queue.name, &self.options.exchange, pattern).await?;
            self.bind(&queue.name, &names::due(&self.options.exchange), pattern).await?;
        }
        if let Some(dead_letter) = &queue.dead_letter {
            self.queue(dead_letter, DURABLE, arguments(&Queue::dead_letter(dead_letter.clone()), self.options)).await?;
            self.bind(dead_letter, DEAD, &queue.name).await?;
        }
        Ok(())
    }

    /// Takes back what [`queue_with_bindings`](Self::queue_with_bindings) made for one queue alone.
    ///
    /// Bindings first: the broker (3.10 at least) ends the process of a quorum queue before its bindings, and the connection of
    /// whoever publishes to it in between fails with `INTERNAL_ERROR`.
    pub(super) async fn delete(&self, queue: &Queue) -> Result<(), lapin::Error> {
        for pattern in &queue.patterns {
            self.unbind(&queue.name, &self.options.exchange, pattern).await?;
            self.unbind(&queue.name, &names::due(&self.options.exchange), pattern).await?;
        }
        let deleting = self.channel.queue_delete(short(&queue.name)?, QueueDeleteOptions::default());
        in_time(deleting).await?;
        // Its dead letters are on their way no more.
        match &queue.dead_letter {
            Some(dead_letter) => self.unbind(dead_letter, DEAD, &queue.name).await,
            None => Ok(()),
        }
    }

    /// The queue in which copies for `queue` wait, whose time to live is the step.
    pub(super) async fn retry_queue(&self, queue: &str, step: Step) -> Result<(), lapin::Error> {
        let name = names::retry_queue(queue, step);
        let arguments = delayed(
            self.options.queues,
            step,
            [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(queue))],
        );
        self.queue(&name, DURABLE, arguments).await
    }

    /// The exchange and the queue in which delayed events wait.
    pub(super) async fn delay(&self, step: Step) -> Result<(), lapin::Error> {
        let exchange = &*self.options.exchange;
        let name = names::delay(exchange, step);
        self.exchange(&name, ExchangeKind::Fanout, None).await?;
        let arguments = delayed(self.options.queues, step, [("x-dead-letter-exchange", text(&names::due(exchange)))]);
        self.queue(&name, DURABLE, arguments).await?;
        self.bind(&name, &name, "").await
    }

    pub(super) async fn close(self) {
        let _ = timeout(PATIENCE, self.channel.close(200, ShortString::default())).await;
    }

    async fn exchange(&self, name: &str, kind: ExchangeKind, alternate: Option<&str>) -> Result<(), lapin::Error> {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let arguments = alternate.map(|alternate| ("alternate-exchange", text(alternate)));
        in_time(self.channel.exchange_declare(short(name)?, kind, options, table(arguments))).await
    }

    async fn exchange_exists(&self, name: &str) -> Result<(), lapin::Error> {
        let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        in_time(self.channel.exchange_declare(short(name)?, ExchangeKind::Topic, options, FieldTable::default())).await
    }

    async fn queue(&self, name: &str, options: QueueDeclareOptions, arguments: FieldTable) -> Result<(), lapin::Error> {
        in_time(self.channel.queue_declare(short(name)?, options, arguments)).await.map(|_| ())
    }

    pub(super) async fn queue_exists(&self, name: &str) -> Result<(), lapin::Error> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        in_time(self.channel.queue_declare(short(name)?, options, FieldTable::default())).await.map(|_| ())
    }

    async fn bind(&self, queue: &str, exchange: &str, key: &str) -> Result<(), lapin::Error> {
        let (queue, exchange, key) = (short(queue)?, short(exchange)?, short(key)?);
        in_time(self.channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default())).await
    }

    async fn unbind(&self, queue: &str, exchange: &str, key: &str) -> Result<(), lapin::Error> {
        let (queue, exchange, key) = (short(queue)?, short(exchange)?, short(key)?);
        in_time(self.channel.queue_unbind(queue, exchange, key, FieldTable::default())).await
    }
}

impl Core {
    /// Declares these queues.
    ///
    /// # Errors
    /// One exists with other properties, or does not exist and must.
    pub(super) async fn declare(&self, queues: &[Queue]) -> Result<(), TransportError> {
        let Some(up) = self.consume.up().await else { return Err(self.closed("declare")) };
        let connected = Declaring::on(&up, &self.options).await;
        let declaring = connected.map_err(|error| self.failed("declare", "a channel", &error))?;
        let exchanges = declaring.exchanges().await;
        exchanges.map_err(|error| self.failed("declare", &self.options.exchange, &error))?;
        for queue in queues {
            let declared = declaring.queue_with_bindings(queue).await;
            declared.map_err(|error| self.failed("declare", &queue.name, &error))?;
        }
        declaring.close().await;
        self.remember(queues);
        Ok(())
    }
}

const DURABLE: QueueDeclareOptions =
    QueueDeclareOptions { passive: false, durable: true, exclusive: false, auto_delete: false, nowait: false };

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

fn table<'a>(arguments: impl IntoIterator<Item = (&'a str, AMQPValue)>) -> FieldTable {
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

/// A name that fits, or an error that says that it does not.
fn short(text: &str) -> Result<ShortString, lapin::Error> {
    ShortString::try_new(text).map_err(|_| {
        let why = format!("the name `{text}` is longer than the 255 bytes that the protocol allows");
        std::io::Error::new(std::io::ErrorKind::InvalidInput, why).into()
    })
}

async fn in_time<T>(request: impl Future<Output = Result<T, lapin::Error>>) -> Result<T, lapin::Error> {
    match timeout(PATIENCE, request).await {
        Ok(answer) => answer,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}
