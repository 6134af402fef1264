//! How a RabbitMQ transport is made, and where it connects to. Passwords show nowhere.

use std::{fmt, net::IpAddr, time::Duration};

use lapin::{
    tcp::{OwnedIdentity, OwnedTLSConfig},
    uri::{AMQPScheme, AMQPUri},
};

use super::administration::Management;
use crate::{
    classify::Backoff,
    failpoint::{self, Sabotage},
    text::Text,
};

/// What kind of queue subscribers' and dead-letter queues are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum QueueKind {
    /// Replicated, counts redeliveries, hands dead letters over safely. See
    /// [quorum queues](https://www.rabbitmq.com/docs/quorum-queues).
    #[default]
    Quorum,
    /// On one node. It counts no redeliveries, so a message that kills its process is never given up, and the broker's
    /// own dead letters may be lost on the way.
    Classic,
}

/// How a RabbitMQ transport is made.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RabbitMqOptions {
    /// Where it connects to.
    pub address: Address,
    /// The topic exchange that events are published to. Default `swit.events`.
    pub exchange: Text,
    /// The kind of queues that are made. Default quorum.
    pub queues: QueueKind,
    /// Whether exchanges, queues and bindings are made; if not, they must be there. Default true.
    pub declare: bool,
    /// After this many deliveries the broker itself dead-letters a message of a quorum queue: a backstop for processes
    /// that die before they can count. Default 32.
    pub delivery_limit: u32,
    /// A connection without a sign of life for twice this long is dead. Default 10 s; the broker may ask for less.
    pub heartbeat: Duration,
    /// How long the first connection may take before starting fails. Later ones are tried for ever. Default 30 s.
    pub connect_timeout: Duration,
    /// The waits between tries to connect, and to build on a connection what failed on it: a connection, channel or
    /// consumer that had worked is made again at once, one that ended as soon as it stood is not. Default exponential from
    /// 200 ms to 10 s, with jitter.
    pub reconnect: Backoff,
    /// How long a publication that was sent waits for its confirmation. Default 30 s.
    pub confirm_timeout: Duration,
    /// Most publications that are sent and not yet confirmed; further ones wait. Default 2,000.
    pub window: usize,
    /// The broker's `consumer_timeout`, which can't be asked for: what waits for its turn goes back after two fifths of it,
    /// and what is still not settled after nine tenths. Default 30 min, as is the broker's.
    pub ack_limit: Duration,
    /// What the broker shows the connections as. Default `swit`.
    pub client: Text,
    /// Certificates.
    pub tls: Tls,
    /// The broker's management API, which administration alone asks: only it lists what there is. Default none.
    pub management: Option<Management>,
}

impl RabbitMqOptions {
    /// The defaults, at this address.
    pub fn new(address: Address) -> Self {
        Self {
            address,
            exchange: Text::from_static("swit.events"),
            queues: QueueKind::Quorum,
            declare: true,
            delivery_limit: 32,
            heartbeat: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(30),
            reconnect: Backoff::Exponential {
                first: Duration::from_millis(200),
                max: Duration::from_secs(10),
                factor: 2.0,
                jitter: crate::classify::Jitter::Share(0.5),
            },
            confirm_timeout: Duration::from_secs(30),
            window: 2_000,
            ack_limit: Duration::from_mins(30),
            client: Text::from_static("swit"),
            tls: Tls::default(),
            management: None,
        }
    }
}

/// Certificates for `amqps://`. The broker's is always verified, against the system's roots and [`ca`](Self::ca).
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Tls {
    /// Further roots that the broker's certificate may descend from, PEM.
    pub ca: Option<String>,
    /// The client's own certificate chain and its key, PEM.
    pub identity: Option<(String, String)>,
}

impl Tls {
    pub(super) fn config(&self) -> OwnedTLSConfig {
        OwnedTLSConfig {
            identity: self.identity.as_ref().map(|(chain, key)| OwnedIdentity::PKCS8 {
                pem: chain.clone().into_bytes(),
                key: key.clone().into_bytes(),
            }),
            cert_chain: self.ca.clone(),
        }
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("ca", &self.ca.is_some()).field("identity", &self.identity.is_some()).finish()
    }
}

/// Where a broker is and who connects: `amqp://user:password@host:port/vhost`, or `amqps://…`
/// ([AMQP URI specification](https://www.rabbitmq.com/docs/uri-spec)). Shown without its password.
#[derive(Clone)]
pub struct Address(AMQPUri);

/// An address that can't be used, and why. It repeats nothing of the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// It is no AMQP address.
    #[error("it is not an amqp url; write `amqp://user:password@host:5672/vhost`")]
    NotAmqp,
    /// Messages and password would travel in the clear.
    #[error(
        "`amqp://` to a host other than this one sends password and messages in the clear; use `amqps://`, or say `allow_plaintext = true`"
    )]
    Plaintext,
}

impl Address {
    /// Reads an address. A path that is empty or `/` is the virtual host `/`.
    ///
    /// # Errors
    /// [`AddressError::NotAmqp`]; [`AddressError::Plaintext`] for `amqp://` off this machine, unless that is allowed.
    pub fn parse(url: &str, allow_plaintext: bool) -> Result<Self, AddressError> {
        let mut uri: AMQPUri = url.trim().parse().map_err(|_| AddressError::NotAmqp)?;
        // The parser takes an IPv6 address for no host at all.
        if let Some((_, rest)) = url.split_once('[')
            && let Some((address, _)) = rest.split_once(']')
        {
            uri.authority.host = address.parse::<IpAddr>().map_err(|_| AddressError::NotAmqp)?.to_string();
        }
        if uri.vhost.is_empty() {
            "/".clone_into(&mut uri.vhost);
        }
        let address = Self(uri);
        if address.0.scheme == AMQPScheme::AMQP && !allow_plaintext && !address.is_local() {
            return Err(AddressError::Plaintext);
        }
        Ok(address)
    }

    /// Whether it is this very machine, by name or address.
    fn is_local(&self) -> bool {
        let host = self.0.authority.host.as_str();
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }

    /// Who connects: user and password.
    pub(super) fn credentials(&self) -> (&str, &str) {
        (&self.0.authority.userinfo.username, &self.0.authority.userinfo.password)
    }

    pub(super) fn vhost(&self) -> &str {
        &self.0.vhost
    }

    /// The address for the client that connects, with this heartbeat unless it asks for one itself.
    pub(super) fn uri(&self, heartbeat: Duration) -> AMQPUri {
        let mut uri = self.0.clone();
        // Heartbeats are whole seconds, at most 65,535.
        let seconds = u16::try_from(heartbeat.as_secs().max(1)).unwrap_or(u16::MAX);
        uri.query.heartbeat.get_or_insert(seconds);
        uri
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AMQPUri { scheme, authority, vhost, .. } = &self.0;
        let vhost = if vhost == "/" { "" } else { vhost };
        if failpoint::is_broken(Sabotage::ShowThePassword) {
            return write!(
                f,
                "{scheme}://{}@{}:{}/{vhost}",
                authority.userinfo.password, authority.host, authority.port
            );
        }
        write!(f, "{scheme}://{}:***@{}:{}/{vhost}", authority.userinfo.username, authority.host, authority.port)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_specified() {
        for (url, shown) in [
            ("amqp://localhost", "amqp://guest:***@localhost:5672/"),
            ("amqp://127.0.0.1:5673/", "amqp://guest:***@127.0.0.1:5673/"),
            ("amqp://[::1]:5673/%2f", "amqp://guest:***@::1:5673/"),
            ("amqps://app:p%40ss@mq.example/orders", "amqps://app:***@mq.example:5671/orders"),
        ] {
            let address = Address::parse(url, false).unwrap();
            assert_eq!(address.to_string(), shown);
            assert!(!format!("{address:?}").contains("p@ss"));
        }
        assert_eq!(
            Address::parse("amqps://app:p%40ss@mq", false)
                .unwrap()
                .uri(Duration::from_secs(7))
                .authority
                .userinfo
                .password,
            "p@ss"
        );
        for url in ["kafka://x", "amqp:", "localhost", ""] {
            assert_eq!(Address::parse(url, true).unwrap_err(), AddressError::NotAmqp, "{url}");
        }
        assert_eq!(Address::parse("amqp://mq.example", false).unwrap_err(), AddressError::Plaintext);
        assert!(Address::parse("amqp://mq.example", true).is_ok());
    }
}
