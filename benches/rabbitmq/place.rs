//! Where one part of the benchmark takes place: an exchange of its own, and the queues of a service on it.

use std::sync::Arc;

use lapin::{Channel, Connection, options::QueuePurgeOptions};
use swit::{
    Event as _, MessageId,
    transport::{Publication, Transport as _},
    transports::rabbitmq::{Address, QueueKind, RabbitMqOptions, RabbitMqTransport},
};

use crate::{node::Node, order};

/// Most unconfirmed publications of whoever publishes many at once, by hand or not.
pub(crate) const IN_FLIGHT: usize = 1_000;
/// As many as the contenders may have unacknowledged.
pub(crate) const PREFETCH: u16 = 250;

/// An exchange and a service name, with the kind of its queues.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) name: String,
    pub(crate) kind: QueueKind,
}

impl Place {
    pub(crate) fn new(node: &Node, part: &str, kind: QueueKind) -> Self {
        let kind_name = kind_name(kind);
        Self { url: node.url.clone(), name: format!("bench-{part}-{kind_name}"), kind }
    }

    /// The queue of a subscriber.
    pub(crate) fn queue(&self, subscriber: &str) -> String {
        format!("{}.{subscriber}", self.name)
    }

    /// A transport to this place, not connected.
    pub(crate) fn transport(&self) -> RabbitMqTransport {
        let address = Address::parse(&self.url, false).expect("the node's address");
        let mut options = RabbitMqOptions::new(address);
        options.exchange = self.name.clone().into();
        options.queues = self.kind;
        // The hand-pipelined loop has no more.
        options.window = IN_FLIGHT;
        RabbitMqTransport::new("default", options)
    }

    /// Publishes orders as a service does, all of them confirmed.
    pub(crate) async fn fill(&self, messages: u64) {
        let transport = self.transport();
        transport.connect().await.expect("the node takes connections");
        let publisher = transport.publisher();
        let mut left = messages;
        while left > 0 {
            let some = left.min(20_000);
            let publishing: Vec<_> = (0..some)
                .map(|number| {
                    let mut message = order::numbered(left - number).encode().expect("an order can be encoded");
                    let now = std::time::SystemTime::now();
                    message.id = MessageId::new(now);
                    message.timestamp = Some(now);
                    publisher.publish(Publication::new(message))
                })
                .collect();
            for answer in publishing {
                assert!(answer.await.expect("it is confirmed").routed, "the queue takes orders");
            }
            left -= some;
        }
        transport.close().await;
    }
}

pub(crate) fn kind_name(kind: QueueKind) -> &'static str {
    match kind {
        QueueKind::Classic => "classic",
        _ => "quorum",
    }
}

/// A channel for what is not measured.
pub(crate) struct Keeper {
    connection: Arc<Connection>,
    channel: Channel,
}

impl Keeper {
    pub(crate) async fn new(node: &Node) -> Self {
        let connection = Arc::new(node.connect().await);
        let channel = connection.create_channel().await.expect("a channel");
        Self { connection, channel }
    }

    pub(crate) fn channel(&self) -> &Channel {
        &self.channel
    }

    pub(crate) async fn purge(&self, queue: &str) {
        self.channel.queue_purge(queue.into(), QueuePurgeOptions::default()).await.expect("the queue is there");
    }

    pub(crate) async fn close(self) {
        // A channel that is being dropped may make it say that it is closing already.
        let _ = self.connection.close(200, "".into()).await;
    }
}
