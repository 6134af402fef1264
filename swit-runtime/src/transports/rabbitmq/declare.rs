//! Exchanges, queues and bindings, made on the broker; what is made is in [`Wanted`].

use futures_util::future::try_join_all;
use lapin::{
    Channel, ExchangeKind,
    options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions},
    types::{FieldTable, ShortString},
};
use tokio::time::timeout;

use super::{
    core::Core,
    link::{PATIENCE, Up},
    names::{self, Step},
    options::RabbitMqOptions,
    wanted::{Wanted, WantedExchange, WantedQueue},
};
use crate::{
    error::TransportError,
    transport::{Binding, Queue},
};

const DURABLE: QueueDeclareOptions =
    QueueDeclareOptions { passive: false, durable: true, exclusive: false, auto_delete: false, nowait: false };

/// Requests to the broker on one channel. An error closes the channel, as the protocol has it.
pub(super) struct Declaring<'a> {
    options: &'a RabbitMqOptions,
    channel: Channel,
}

/// How many messages lie ready in a queue, and how many consumers it has. A quorum queue tells them with some seconds'
/// delay.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) ready: u64,
    pub(super) consumers: u64,
}

impl<'a> Declaring<'a> {
    pub(super) async fn on(up: &Up, options: &'a RabbitMqOptions) -> Result<Self, lapin::Error> {
        Ok(Self { options, channel: up.channel().await? })
    }

    /// The exchanges that all queues hang on.
    pub(super) async fn exchanges(&self) -> Result<(), lapin::Error> {
        if !self.options.declare {
            return self.exchange_exists(&self.options.exchange).await;
        }
        self.make(&Wanted::common(self.options)).await
    }

    /// A queue with its bindings, and the dead-letter queue that it names.
    pub(super) async fn queue_with_bindings(&self, queue: &Queue) -> Result<(), lapin::Error> {
        if queue.existing || !self.options.declare {
            return self.queue_exists(&queue.name).await.map(|_| ());
        }
        self.make(&Wanted::of(queue, self.options)).await
    }

    /// Takes back what [`queue_with_bindings`](Self::queue_with_bindings) and [`retry_queue`](Self::retry_queue) made for one
    /// queue alone.
    ///
    /// Its bindings first: the broker (3.10 at least) ends the process of a quorum queue before its bindings, and the
    /// connection of whoever publishes to it in between fails with `INTERNAL_ERROR`. That of its dead letters last: they
    /// are on their way until then.
    pub(super) async fn withdraw(&self, queue: &Queue) -> Result<(), lapin::Error> {
        let (own, others): (Vec<_>, Vec<_>) =
            Wanted::of(queue, self.options).bindings.into_iter().partition(|binding| binding.queue == queue.name);
        for binding in &own {
            self.unbind(binding).await?;
        }
        // Whatever waits in them comes back to nobody. Which ones there are is not known here; deleting what is not there is
        // no error.
        try_join_all(Step::all().map(async |step| self.delete(&names::retry_queue(&queue.name, step)).await)).await?;
        self.delete(&queue.name).await?;
        for binding in &others {
            self.unbind(binding).await?;
        }
        Ok(())
    }

    /// The queue in which copies for `queue` wait, whose time to live is the step.
    pub(super) async fn retry_queue(&self, queue: &str, step: Step) -> Result<(), lapin::Error> {
        self.make(&Wanted::retry_queue(queue, step, self.options)).await
    }

    /// The exchange and the queue in which delayed events wait.
    pub(super) async fn delay(&self, step: Step) -> Result<(), lapin::Error> {
        self.make(&Wanted::delay(step, self.options)).await
    }

    pub(super) fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(super) async fn close(self) {
        let _ = timeout(PATIENCE, self.channel.close(200, ShortString::default())).await;
    }

    /// Makes what is not there. What is there alike stays as it is.
    async fn make(&self, wanted: &Wanted) -> Result<(), lapin::Error> {
        for exchange in &wanted.exchanges {
            self.exchange(exchange).await?;
        }
        for queue in &wanted.queues {
            self.queue(queue).await?;
        }
        for binding in &wanted.bindings {
            self.bind(binding).await?;
        }
        Ok(())
    }

    pub(super) async fn exchange(&self, wanted: &WantedExchange) -> Result<(), lapin::Error> {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let (name, kind, arguments) = (short(&wanted.name)?, wanted.kind.clone(), wanted.arguments.clone());
        in_time(self.channel.exchange_declare(name, kind, options, arguments)).await
    }

    pub(super) async fn exchange_exists(&self, name: &str) -> Result<(), lapin::Error> {
        let options = ExchangeDeclareOptions { passive: true, ..ExchangeDeclareOptions::default() };
        in_time(self.channel.exchange_declare(short(name)?, ExchangeKind::Topic, options, FieldTable::default())).await
    }

    pub(super) async fn queue(&self, wanted: &WantedQueue) -> Result<(), lapin::Error> {
        let (name, arguments) = (short(&wanted.name)?, wanted.arguments.clone());
        in_time(self.channel.queue_declare(name, DURABLE, arguments)).await.map(|_| ())
    }

    pub(super) async fn queue_exists(&self, name: &str) -> Result<Counts, lapin::Error> {
        let options = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
        let queue = in_time(self.channel.queue_declare(short(name)?, options, FieldTable::default())).await?;
        Ok(Counts { ready: u64::from(queue.message_count()), consumers: u64::from(queue.consumer_count()) })
    }

    pub(super) async fn bind(&self, binding: &Binding) -> Result<(), lapin::Error> {
        let (queue, exchange, key) = (short(&binding.queue)?, short(&binding.exchange)?, short(&binding.key)?);
        in_time(self.channel.queue_bind(queue, exchange, key, QueueBindOptions::default(), FieldTable::default())).await
    }

    pub(super) async fn unbind(&self, binding: &Binding) -> Result<(), lapin::Error> {
        let (queue, exchange, key) = (short(&binding.queue)?, short(&binding.exchange)?, short(&binding.key)?);
        in_time(self.channel.queue_unbind(queue, exchange, key, FieldTable::default())).await
    }

    /// Deletes a queue. How many messages it held.
    pub(super) async fn delete(&self, name: &str) -> Result<u64, lapin::Error> {
        in_time(self.channel.queue_delete(short(name)?, QueueDeleteOptions::default())).await.map(u64::from)
    }
}

impl Core {
    /// Declares these queues.
    ///
    /// # Errors
    /// One exists with other properties, or does not exist and must.
    pub(super) async fn declare(&self, queues: &[Queue]) -> Result<(), TransportError> {
        let Some(up) = self.consume.up().await else { return Err(self.closed("declare")) };
        self.declare_as(&self.options, &up, queues).await?;
        self.remember(queues);
        Ok(())
    }

    /// Declares these queues, but for exclusive ones, whatever the options say of declaring.
    ///
    /// # Errors
    /// One exists with other properties, or does not exist and must.
    pub(super) async fn make(&self, queues: &[Queue]) -> Result<(), TransportError> {
        let Some(up) = self.consume.up().await else { return Err(self.closed("declare")) };
        let options = RabbitMqOptions { declare: true, ..self.options.clone() };
        let lasting: Vec<Queue> = queues.iter().filter(|queue| !queue.exclusive).cloned().collect();
        self.declare_as(&options, &up, &lasting).await
    }

    async fn declare_as(&self, options: &RabbitMqOptions, up: &Up, queues: &[Queue]) -> Result<(), TransportError> {
        let connected = Declaring::on(up, options).await;
        let declaring = connected.map_err(|error| self.failed("declare", "a channel", &error))?;
        let exchanges = declaring.exchanges().await;
        exchanges.map_err(|error| self.failed("declare", &options.exchange, &error))?;
        for queue in queues {
            let declared = declaring.queue_with_bindings(queue).await;
            declared.map_err(|error| self.failed("declare", &queue.name, &error))?;
        }
        declaring.close().await;
        Ok(())
    }
}

/// A name that fits, or an error that says that it does not.
pub(super) fn short(text: &str) -> Result<ShortString, lapin::Error> {
    ShortString::try_new(text).map_err(|_| {
        let why = format!("the name `{text}` is longer than the 255 bytes that the protocol allows");
        std::io::Error::new(std::io::ErrorKind::InvalidInput, why).into()
    })
}

pub(super) async fn in_time<T>(request: impl Future<Output = Result<T, lapin::Error>>) -> Result<T, lapin::Error> {
    match timeout(PATIENCE, request).await {
        Ok(answer) => answer,
        Err(_) => Err(std::io::Error::from(std::io::ErrorKind::TimedOut).into()),
    }
}
