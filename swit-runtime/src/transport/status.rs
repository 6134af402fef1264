//! How connections and subscriptions are, as values that can be watched: what readiness and metrics are made of.

use tokio::sync::watch;

/// How a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// Never stood yet.
    Connecting,
    /// Stands.
    Connected,
    /// Stands, but the broker takes nothing from it for now (an alarm of memory or disk).
    Blocked,
    /// Was lost, and is being made again.
    Lost,
    /// Was closed on purpose.
    Closed,
}

/// How a transport's connections are, taken together: the worst of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// How the connection is.
    pub state: ConnectionState,
    /// How often it was made again since the start.
    pub reconnects: u64,
}

impl Status {
    /// This state, never made again.
    pub const fn new(state: ConnectionState) -> Self {
        Self { state, reconnects: 0 }
    }

    /// Of two connections: the worse state, and all reconnects.
    pub fn with(self, other: Self) -> Self {
        let rank = |state| match state {
            ConnectionState::Connected => 0,
            ConnectionState::Blocked => 1,
            ConnectionState::Connecting => 2,
            ConnectionState::Lost => 3,
            ConnectionState::Closed => 4,
        };
        let state = if rank(self.state) >= rank(other.state) { self.state } else { other.state };
        Self { state, reconnects: self.reconnects + other.reconnects }
    }
}

/// How a subscription is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SubscriptionState {
    /// The broker hands its messages to it.
    Consuming,
    /// Waits for its connection, or for its queue.
    Waiting,
    /// Was told to pause: nothing is handed out until it is told to resume.
    Paused,
    /// Was closed.
    Closed,
}

/// A value that never changes, for what has nothing to tell.
pub(crate) fn constant<T>(value: T) -> watch::Receiver<T> {
    // Without its sender a receiver keeps the last value.
    watch::channel(value).1
}
