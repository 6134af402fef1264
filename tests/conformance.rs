//! Every transport passes the suite of its port.

use std::sync::Arc;

use swit::{
    transport::Transport,
    transports::memory::{MemoryOptions, MemoryTransport},
};

swit::transport_conformance!(
    memory,
    || async {
        // A small capacity, so that every behaviour also meets full queues.
        let options = MemoryOptions::default().with_capacity(100);
        Arc::new(MemoryTransport::new("default", options)) as Arc<dyn Transport>
    },
    [patterns, delay, ttl, priority, reject, redelivery_count, backpressure, inspect]
);
