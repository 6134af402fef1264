//! What a transport can do, told honestly: the conformance suite is chosen by it.

/// What a transport can do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is one independent capability, named where it is read")]
#[non_exhaustive]
pub struct Capabilities {
    /// Queues are bound by patterns with `*` and `#`.
    pub patterns: bool,
    /// A publication may be delayed.
    pub delay: bool,
    /// Messages expire after their `ttl`.
    pub ttl: bool,
    /// A publication may have both: its `ttl` begins when its delay is over. Without it, such a publication is refused.
    pub delayed_ttl: bool,
    /// Messages of higher priority overtake.
    pub priority: bool,
    /// A rejected delivery goes to its queue's dead-letter queue.
    pub reject: bool,
    /// Deliveries that come back after a crash are counted in [`Delivery::redeliveries`](super::Delivery).
    pub redelivery_count: bool,
    /// Queues are bounded; publishing waits for room.
    pub backpressure: bool,
    /// Messages survive a restart of the broker and of this process.
    pub durable: bool,
    /// Queues can be looked into: [`Transport::inspect`](super::Transport::inspect).
    pub inspect: bool,
}
