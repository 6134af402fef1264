//! Every transport passes the suite of its port.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use swit::{
    transport::Transport,
    transports::{
        memory::{MemoryOptions, MemoryTransport},
        rabbitmq::{Address, QueueKind, RabbitMqOptions, RabbitMqTransport},
    },
};
use swit_testbed::broker::Broker;

swit::transport_conformance!(
    memory,
    || async {
        // A small capacity, so that every behaviour also meets full queues.
        let options = MemoryOptions::default().with_capacity(100);
        Arc::new(MemoryTransport::new("default", options)) as Arc<dyn Transport>
    },
    [patterns, delay, ttl, delayed_ttl, priority, reject, redelivery_count, backpressure, inspect]
);

fn rabbitmq(queues: QueueKind) -> Arc<dyn Transport> {
    static EXCHANGES: AtomicU32 = AtomicU32::new(0);
    let mut options = RabbitMqOptions::new(Address::parse(&Broker::shared().url(), false).unwrap());
    // All tests share the broker, and some take all that is published: each has an exchange of its own.
    options.exchange = format!("conformance.{}", EXCHANGES.fetch_add(1, Ordering::Relaxed)).into();
    options.queues = queues;
    Arc::new(RabbitMqTransport::new("default", options))
}

swit::transport_conformance!(
    rabbitmq_quorum,
    || async { rabbitmq(QueueKind::Quorum) },
    [patterns, delay, ttl, reject, redelivery_count, durable]
);

swit::transport_conformance!(
    rabbitmq_classic,
    || async { rabbitmq(QueueKind::Classic) },
    [patterns, delay, ttl, reject, durable]
);
