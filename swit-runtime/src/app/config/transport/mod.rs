//! `[transport.NAME]`: what is said of one connection, and what its kind makes of it.

mod applies;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;
mod values;

pub use values::ManagementUrl;

use std::time::Duration;

use super::{Set, TransportKind, Url};
use crate::text::Text;

#[cfg(feature = "rabbitmq")]
pub(super) use rabbitmq::fault_of;

/// `[transport.NAME]`: one connection. Without a url it is the memory transport.
///
/// Keys that do not apply to its kind are refused where the layers are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct TransportSettings {
    /// Where to connect to.
    pub url: Option<Set<Url>>,
    /// `capacity` as a key of its own.
    pub capacity: Option<Set<usize>>,
    /// The topic exchange that events are published to.
    pub exchange: Option<Set<Text>>,
    /// The kind of queues that are made.
    pub queues: Option<Set<QueueType>>,
    /// Whether exchanges, queues and bindings are made.
    pub declare: Option<Set<bool>>,
    /// Deliveries of one message after which the broker gives it up.
    pub delivery_limit: Option<Set<u32>>,
    /// `heartbeat` as a key of its own.
    pub heartbeat: Option<Set<Duration>>,
    /// How long the first connection may take.
    pub connect_timeout: Option<Set<Duration>>,
    /// How long a publication waits for its confirmation.
    pub confirm_timeout: Option<Set<Duration>>,
    /// Most publications that are sent and not yet confirmed.
    pub window: Option<Set<usize>>,
    /// The broker's `consumer_timeout`.
    pub ack_limit: Option<Set<Duration>>,
    /// Whether password and messages may travel in the clear.
    pub allow_plaintext: Option<Set<bool>>,
    /// A PEM file of further roots.
    pub ca_file: Option<Set<Text>>,
    /// A PEM file of the client's own certificate chain.
    pub cert_file: Option<Set<Text>>,
    /// A PEM file of its key.
    pub key_file: Option<Set<Text>>,
    /// The broker's management API, for the commands of operators.
    pub management: Option<Set<ManagementUrl>>,
}

/// What kind of queues a broker is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum QueueType {
    /// Replicated, and counting redeliveries.
    #[default]
    Quorum,
    /// On one node.
    Classic,
}

impl TransportSettings {
    /// What it is.
    pub fn kind(&self) -> TransportKind {
        self.url.as_ref().map_or(TransportKind::Memory, |url| url.value.kind())
    }

    /// Most messages of a queue of the memory transport: the key or the url's parameter, whichever layer is later; in
    /// one layer the key.
    pub fn capacity(&self) -> Option<usize> {
        self.later(Url::capacity, self.capacity.as_ref())
    }

    /// The interval of heartbeats: of key and url as [`capacity`](Self::capacity).
    pub fn heartbeat(&self) -> Option<Duration> {
        self.later(Url::heartbeat, self.heartbeat.as_ref())
    }

    /// How long the first connection may take: of key and url as [`capacity`](Self::capacity).
    pub fn connect_timeout(&self) -> Option<Duration> {
        self.later(Url::connect_timeout, self.connect_timeout.as_ref())
    }

    fn later<T: Copy>(&self, parameter: fn(&Url) -> Option<T>, key: Option<&Set<T>>) -> Option<T> {
        let url = self.url.as_ref().and_then(|set| parameter(&set.value).map(|value| (set.origin.rank(), value)));
        let key = key.map(|set| (set.origin.rank(), set.value));
        match (url, key) {
            (Some((url_rank, url)), Some((key_rank, _))) if url_rank > key_rank => Some(url),
            (url, key) => key.or(url).map(|(_, value)| value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::config::Origin;

    #[test]
    fn capacity_comes_from_the_later_layer() {
        let file = Origin::File { name: "swit.toml".into(), line: 1 };
        let url = |text, origin| Some(Set { value: Url::parse(text).expect("a url"), origin });
        let key = |value, origin| Some(Set { value, origin });
        for (url, capacity, expected) in [
            (None, None, None),
            (url("memory://", file.clone()), None, None),
            (url("memory://?capacity=5", file.clone()), None, Some(5)),
            (url("memory://?capacity=5", file.clone()), key(7, file.clone()), Some(7)),
            (url("memory://?capacity=5", Origin::Builder), key(7, file.clone()), Some(5)),
            (url("memory://", Origin::Builder), key(7, file), Some(7)),
        ] {
            let settings = TransportSettings { url, capacity, ..TransportSettings::default() };
            assert_eq!(settings.capacity(), expected);
        }
    }
}
