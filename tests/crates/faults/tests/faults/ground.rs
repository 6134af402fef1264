//! What tests within one process stand on: a transport, an app over it, a client that is not ours, waiting that ends.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use lapin::{
    BasicProperties, Channel, Connection, ConnectionProperties,
    message::BasicGetMessage,
    options::{
        BasicGetOptions, BasicPublishOptions, ConfirmSelectOptions, ExchangeDeclareOptions, QueueBindOptions,
        QueueDeclareOptions,
    },
    types::{AMQPValue, FieldTable, ShortString},
};
use swit::{
    App, Handlers,
    transport::Transport,
    transports::rabbitmq::{Address, RabbitMqOptions, RabbitMqTransport},
};

/// How long everything may take that has to happen.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A long run takes so many minutes: `SWIT_SOAK_MINUTES`. Without it, runs are small.
pub(crate) fn soak() -> Option<Duration> {
    let minutes: u64 = std::env::var("SWIT_SOAK_MINUTES").ok()?.parse().expect("SWIT_SOAK_MINUTES is a number");
    (minutes > 0).then(|| Duration::from_secs(minutes * 60))
}

/// The first in a small run, the second in a long one.
pub(crate) fn size<T>(small: T, long: T) -> T {
    if soak().is_some() { long } else { small }
}

/// The options of a transport at this address, with an exchange of this name's own.
pub(crate) fn options(url: &str, name: &str) -> RabbitMqOptions {
    let mut options = RabbitMqOptions::new(Address::parse(url, false).unwrap());
    options.exchange = format!("{name}.events").into();
    options.confirm_timeout = Duration::from_secs(10);
    options.heartbeat = Duration::from_secs(5);
    options
}

/// A transport that is not connected yet.
pub(crate) fn transport(options: RabbitMqOptions) -> Arc<dyn Transport> {
    if std::env::var_os("RUST_LOG").is_some() {
        swit::telemetry::init();
    }
    Arc::new(RabbitMqTransport::new("default", options))
}

/// An app of these handlers over a transport; its queues are `{name}.{handler}`.
pub(crate) fn app<H: Handlers>(name: &str, transport: &Arc<dyn Transport>) -> App {
    App::only::<H>().service(name.to_owned(), "1").transport(Arc::clone(transport))
}

/// Waits until it is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Counts what handlers did, by name.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<String, usize>>);

impl Tally {
    pub(crate) fn add(&self, name: impl Into<String>) -> usize {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(name.into()).or_default();
        *count += 1;
        *count
    }

    pub(crate) fn all(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many different names there are.
    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    pub(crate) fn total(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

/// A client that knows nothing of swit.
pub(crate) struct Foreign {
    _connection: Connection,
    pub(crate) channel: Channel,
}

impl Foreign {
    pub(crate) async fn connect(url: &str) -> Self {
        let connection = Connection::connect(url, ConnectionProperties::default()).await.unwrap();
        let channel = connection.create_channel().await.unwrap();
        channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        Self { _connection: connection, channel }
    }

    /// Declares a durable queue with these arguments.
    pub(crate) async fn queue(&self, name: &str, arguments: &[(&str, AMQPValue)]) {
        let options = QueueDeclareOptions { durable: true, ..QueueDeclareOptions::default() };
        self.channel.queue_declare(name.into(), options, table(arguments)).await.unwrap();
    }

    /// Binds a queue to a topic exchange, which is made if it is not there.
    pub(crate) async fn bind(&self, queue: &str, exchange: &str, key: &str) {
        let options = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
        let kind = lapin::ExchangeKind::Topic;
        self.channel.exchange_declare(exchange.into(), kind, options, FieldTable::default()).await.unwrap();
        let (options, arguments) = (QueueBindOptions::default(), FieldTable::default());
        self.channel.queue_bind(queue.into(), exchange.into(), key.into(), options, arguments).await.unwrap();
    }

    /// Publishes, and waits until the broker has confirmed it.
    pub(crate) async fn publish(&self, exchange: &str, key: &str, properties: BasicProperties, body: &[u8]) {
        let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
        let confirm = self.channel.basic_publish(exchange.into(), key.into(), options, body, properties).await.unwrap();
        let confirmed = confirm.await.unwrap();
        assert!(confirmed.is_ack() && confirmed.take_message().is_none(), "`{key}` was not taken by a queue");
    }

    /// Takes the next message of a queue, once there is one.
    pub(crate) async fn take(&self, queue: &str) -> BasicGetMessage {
        let began = Instant::now();
        loop {
            let got = self.channel.basic_get(queue.into(), BasicGetOptions { no_ack: true }).await.unwrap();
            if let Some(message) = got {
                return message;
            }
            assert!(began.elapsed() < PATIENCE / 2, "nothing comes into `{queue}`");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

pub(crate) fn table(entries: &[(&str, AMQPValue)]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(ShortString::try_new(*name).unwrap(), value.clone());
    }
    table
}

pub(crate) fn text(text: &str) -> AMQPValue {
    AMQPValue::LongString(text.into())
}

/// A header of a message as text; empty where it is missing.
pub(crate) fn header(properties: &BasicProperties, name: &str) -> String {
    let value = properties.headers().as_ref().and_then(|headers| headers.inner().get(name).cloned());
    match value {
        Some(AMQPValue::LongString(text)) => String::from_utf8_lossy(text.as_bytes()).into_owned(),
        Some(AMQPValue::LongLongInt(number)) => number.to_string(),
        Some(AMQPValue::LongInt(number)) => number.to_string(),
        Some(other) => format!("{other:?}"),
        None => String::new(),
    }
}
