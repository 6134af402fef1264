//! How a node is configured before it starts.

use super::Broker;

/// What a node is started with. Made by [`Broker::options`].
#[derive(Debug, Clone, Default)]
#[must_use = "nothing starts before `start`"]
pub struct Options {
    pub(crate) lines: Vec<String>,
    pub(crate) tls: Option<Tls>,
    pub(crate) management: bool,
}

/// How a node's TLS listener treats its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    /// Any client may connect.
    Server,
    /// Only clients with a certificate of the node's authority may.
    Mutual,
}

impl Options {
    /// Adds a line to the node's `rabbitmq.conf`, such as `consumer_timeout = 5000` (milliseconds), `heartbeat = 2`
    /// (seconds).
    pub fn conf(mut self, line: &str) -> Self {
        self.lines.push(line.to_owned());
        self
    }

    /// Adds a TLS listener, at [`Broker::tls_url`], with certificates of its own: [`Broker::certificates`].
    pub fn tls(mut self) -> Self {
        self.tls = Some(Tls::Server);
        self
    }

    /// Adds a TLS listener that refuses clients without a certificate of the node's authority.
    pub fn mutual_tls(mut self) -> Self {
        self.tls = Some(Tls::Mutual);
        self
    }

    /// Starts the management API too, at [`Broker::management_url`].
    pub fn management(mut self) -> Self {
        self.management = true;
        self
    }

    /// Starts the node and waits until it takes connections: two to three seconds, mostly of one processor.
    pub fn start(self) -> Broker {
        Broker::start_with(&self)
    }
}
